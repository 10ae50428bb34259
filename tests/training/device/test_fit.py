"""Progress, checkpoints and the clock of a run whose calls take several steps."""

import json

import grain
import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training import Augmentation, Optimizer, Schedule
from keras_resblocks_plugin.training._checkpoints import Checkpoints
from keras_resblocks_plugin.training._clock import Clock
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier, finished_steps
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.device._arrays import DeviceCalls
from keras_resblocks_plugin.training.device._augmentation import DeviceAugmentation
from keras_resblocks_plugin.training.device._train_step import DeviceTraining
from tests.helpers import fill

STEPS, EPOCHS, BATCH = 4, 3, 8
SCHEDULE = Schedule(epochs=EPOCHS, warmup_epochs=1)
SCALING = keras.layers.Rescaling(1 / 64, -2.0)


@pytest.fixture(scope="module")
def images():
    pixels = np.random.default_rng(0).integers(0, 256, (37, 8, 8, 3), "uint8")
    return ImageSet(pixels, np.arange(37, dtype="int32") % 3, ["a", "b", "c"])


def build():
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    return fill(keras.Model(inputs, outputs))


def new_training(images, by_clock=False):
    """A classifier, its model that takes two steps a call, and the calls."""
    classifier = build()
    augmentation = DeviceAugmentation(Augmentation(), SCALING, 3, 0, STEPS * EPOCHS)
    calls = DeviceCalls(images, BATCH, 1, 0, STEPS)
    calls.steps_per_call = 2
    training = DeviceTraining(classifier, augmentation, 2)
    compile_classifier(training, SCHEDULE, STEPS, Optimizer(ema_momentum=0.9), by_clock=by_clock)
    return classifier, training, calls


def train(images, folder, epochs):
    """Trains until an epoch, or resumes; returns the weights and the history."""
    folder.mkdir(exist_ok=True)
    classifier, training, calls = new_training(images)
    held_out = images.images / 64 - 2.0, np.eye(3)[images.labels]
    history = fit(
        *(training, calls, STEPS, epochs, folder),
        validation_data=grain.MapDataset.source([held_out]),
        batch_size=BATCH,
        callbacks=[Checkpoints(classifier, folder / "checkpoints", 1, folder / "history.jsonl")],
    )
    return classifier.get_weights(), history


def test_checkpoints_load_into_the_classifier(images, tmp_path):
    averaged, history = train(images, tmp_path / "whole", EPOCHS)
    assert all(epoch["images_per_second"] > 0 for epoch in history)
    train(images, tmp_path / "resumed", 1)
    train(images, tmp_path / "resumed", EPOCHS)
    names = ["best.weights.h5", f"epoch-000{EPOCHS}.weights.h5"]
    for folder in (tmp_path / "whole", tmp_path / "resumed"):
        assert sorted(file.name for file in (folder / "checkpoints").iterdir()) == names
    accuracies = [epoch["val_accuracy"] for epoch in history]
    for name, accuracy in zip(names, [max(accuracies), accuracies[-1]], strict=True):
        file = tmp_path / "whole" / "checkpoints" / name
        # The images are no part of it.
        assert images.images[0].tobytes() not in file.read_bytes()
        classifier, resumed = build(), build()
        classifier.load_weights(file)
        resumed.load_weights(tmp_path / "resumed" / "checkpoints" / name)
        np.testing.assert_array_equal(*(x.get_weights()[0] for x in (classifier, resumed)))
        # These are the weights that were measured, and not yet averaged.
        classes = classifier.predict(images.images / 64 - 2.0, verbose=0).argmax(-1)
        assert np.mean(classes == images.labels) == pytest.approx(accuracy, abs=1e-5)
        assert not np.array_equal(classifier.get_weights()[0], averaged[0])


def test_a_run_by_the_clock_ends_between_calls(images, tmp_path):
    _, training, calls = new_training(images, by_clock=True)
    # Compiling a call may take longer than the clock gives.
    training.fit(calls.starting_at(0), steps_per_epoch=2, shuffle=False, verbose=0)
    training.optimizer.iterations.assign(0)
    clock = Clock(0.02, SCHEDULE)
    fit(training, calls, STEPS, EPOCHS, tmp_path, batch_size=BATCH, clock=clock)
    assert clock.left == 0
    steps = finished_steps(training.optimizer)
    assert steps > STEPS
    assert steps % 2 == 0
    rates = [json.loads(x)["learning_rate"] for x in (tmp_path / "history.jsonl").open()]
    assert rates[-1] < 0.02 < max(rates)
