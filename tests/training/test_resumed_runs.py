"""Runs that are killed and resumed, or repeated, have the weights of an uninterrupted run."""

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import Augmentation, Schedule
from keras_resblocks_plugin.training._batch_norm import recompute_batch_norm
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.data._training import (
    AugmentedBatches,
    new_training_batches,
)
from tests.helpers import to_numpy

EVERYTHING = Augmentation(flip=True, translation=0.2, mixup_alpha=0.4)
STEPS = 4


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 8, 8, 3), "uint8")
    return ImageSet(pixels, np.arange(30, dtype="int32") % 3, ["a", "b", "c"])


def batches_of(images, seed=0, **options):
    scaling = keras.layers.Rescaling(1 / 64, -2.0)
    rows = np.arange(len(images))
    return new_training_batches(images, rows, 8, EVERYTHING, scaling, seed, **options)


def trained(images, folder, epochs):
    """Trains until an epoch, or resumes; returns the model."""
    folder.mkdir(exist_ok=True)
    keras.utils.set_random_seed(0)
    backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
    model = krp.ResBlockImageClassifier(backbone, num_classes=3, dropout=0.3)
    model.preprocessor = None
    compile_classifier(model, Schedule(epochs=3, warmup_epochs=1), STEPS)
    fit(model, batches_of(images), STEPS, epochs, folder)
    return model


def train(images, folder, epochs):
    """Trains until an epoch, or resumes; returns the weights."""
    return [to_numpy(weight) for weight in trained(images, folder, epochs).weights]


def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one(images, tmp_path):
    whole = train(images, tmp_path / "whole", epochs=3)
    first = train(images, tmp_path / "resumed", epochs=1)
    resumed = train(images, tmp_path / "resumed", epochs=3)
    assert any(not np.array_equal(a, b) for a, b in zip(first, whole, strict=True))
    for ours, theirs in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_same_seed_twice_gives_the_same_weights_and_norm_statistics(images, tmp_path):
    found = []
    for name in ("once", "again"):
        model = trained(images, tmp_path / name, epochs=1)
        reading = batches_of(images).starting_at(STEPS)
        weights = [to_numpy(weight) for weight in model.weights]
        recompute_batch_norm(model.backbone, reading, range(3))
        found.append(weights + [to_numpy(weight) for weight in model.backbone.weights])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_batches_depend_on_the_seed_and_their_step_alone(images):
    batches = batches_of(images)
    reading = iter(batches.starting_at(0))
    whole = [next(reading) for _ in range(9)]
    for start in (0, 5):
        reading = iter(batches_of(images).starting_at(start))
        for x, y in whole[start:]:
            again, labels = next(reading)
            np.testing.assert_array_equal(again, x)
            np.testing.assert_array_equal(labels, y)
    other, _ = next(iter(batches_of(images, seed=1).starting_at(0)))
    assert not np.array_equal(other, whole[0][0])
    # Neither the order nor the changes of an image are those of another epoch.
    assert not np.array_equal(whole[0][0], whole[4][0])


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_together_see_the_batches_of_one(images, processes):
    rows = np.arange(len(images))
    arguments = images, rows, 8, EVERYTHING, (8, 8), 0
    whole = AugmentedBatches(*arguments)
    parts = [AugmentedBatches(*arguments, place=(p, processes)) for p in range(processes)]
    for step in range(5):
        shares = zip(*(part(step) for part in parts), strict=True)
        for ours, theirs in zip(map(np.concatenate, shares), whole(step), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_an_epoch_has_every_image_once(images):
    marked = ImageSet(
        np.arange(32, dtype="uint8").repeat(8 * 8 * 3).reshape(32, 8, 8, 3),
        np.zeros(32, "int32"),
        ["a"],
    )
    none = Augmentation(flip=False, translation=0.0)
    make = AugmentedBatches(marked, np.arange(32), 8, none, (8, 8), 0)
    epochs = [np.concatenate([make(4 * epoch + k)[0] for k in range(4)]) for epoch in range(2)]
    orders = [epoch[:, 0, 0, 0].tolist() for epoch in epochs]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(32))
    assert orders[0] != orders[1]


def test_each_image_is_changed_independently_of_the_others():
    # A dark pixel left of the middle shows both the mirroring and the shift.
    pixels = np.full((64, 1, 32, 3), 255, "uint8")
    pixels[:, 0, 12] = 0
    images = ImageSet(pixels, np.zeros(64, "int32"), ["a"])
    augmentation = Augmentation(flip=True, translation=0.1)
    make = AugmentedBatches(images, np.arange(64), 64, augmentation, (1, 32), 0)
    places = np.concatenate([np.argmin(make(step)[0][:, 0, :, 0], axis=1) for step in range(12)])
    mirrored = places > 15
    shifts = np.where(mirrored, places - 19, places - 12)
    assert 0.4 < mirrored.mean() < 0.6
    assert set(shifts) == set(range(-3, 4))
    assert abs(np.corrcoef(mirrored, shifts)[0, 1]) < 0.15
    # The mirroring of one batch does not foretell the shift of another.
    assert abs(np.corrcoef(mirrored[64:], shifts[:-64])[0, 1]) < 0.15
    assert abs(np.corrcoef(mirrored[64:], mirrored[:-64])[0, 1]) < 0.15
