"""The checkpoints of a training run: its best epoch, and the last ones."""

import grain
import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training import Augmentation, Optimizer, Schedule, TrainConfig
from keras_resblocks_plugin.training._checkpoints import Checkpoints
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.data._training import new_training_batches
from tests.helpers import fill, to_numpy

STEPS, EPOCHS, COUNT = 4, 6, 32
SCALING = keras.layers.Rescaling(1 / 64, -2.0)


def build():
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    return fill(keras.Sequential(layers))


def train_until(folder, epochs, keep):
    """Trains on noise until an epoch, or resumes; returns the accuracies of all epochs."""
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(4).integers(0, 256, (2 * COUNT, 8, 8, 3), "uint8")
    labels = np.arange(2 * COUNT, dtype="int32") % 3
    images = ImageSet(pixels[:COUNT], labels[:COUNT], ["a", "b", "c"])
    model = build()
    schedule = Schedule(epochs=EPOCHS, learning_rate=0.02)
    compile_classifier(model, schedule, STEPS, Optimizer(ema_momentum=0.9))
    held_out = pixels[COUNT:] / 64 - 2.0, np.eye(3)[labels[COUNT:]]
    history = fit(
        model,
        new_training_batches(images, np.arange(COUNT), 8, Augmentation(), SCALING, 0),
        *(STEPS, epochs, folder),
        validation_data=grain.MapDataset.source([held_out]),
        callbacks=[Checkpoints(model, folder / "checkpoints", keep, folder / "history.jsonl")],
    )
    return [epoch["val_accuracy"] for epoch in history]


def weights_of(folder):
    """The weights of each checkpoint, loaded into a new model."""
    weights, model = {}, build()
    for file in (folder / "checkpoints").iterdir():
        model.load_weights(file)
        weights[file.name.removesuffix(".weights.h5")] = to_numpy(model.layers[-1].kernel)
    return weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that keeps all epochs: its folder, and the index of the best epoch."""
    folder = tmp_path_factory.mktemp("whole")
    accuracies = train_until(folder, EPOCHS, keep=EPOCHS)
    return folder, int(np.argmax(accuracies))


def test_the_best_epoch_has_the_highest_accuracy(whole):
    folder, best = whole
    # Neither the first nor the last.
    assert 0 < best < EPOCHS - 1
    weights = weights_of(folder)
    epochs = [weights.pop(f"epoch-000{x + 1}") for x in range(EPOCHS)]
    assert [np.array_equal(weights["best"], epoch) for epoch in epochs] == [
        x == best for x in range(EPOCHS)
    ]
    assert set(weights) == {"best"}


def test_a_resumed_run_keeps_the_best_epoch_and_the_last_ones(whole, tmp_path):
    folder, best = whole
    train_until(tmp_path, best, keep=2)
    # As if a kill had come between the history of the best epoch and its backup.
    history = (folder / "history.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "history.jsonl").write_text("".join(history[: best + 1]))
    for epochs in (best + 1, EPOCHS, EPOCHS):
        train_until(tmp_path, epochs, keep=2)
    ours, theirs = weights_of(tmp_path), weights_of(folder)
    assert set(ours) == {"best", f"epoch-000{EPOCHS - 1}", f"epoch-000{EPOCHS}"}
    for name, kernel in ours.items():
        np.testing.assert_array_equal(kernel, theirs[name])


def test_a_checkpoint_has_the_weights_alone(whole, tmp_path):
    build().save_weights(tmp_path / "weights.weights.h5")
    size = (tmp_path / "weights.weights.h5").stat().st_size
    assert (whole[0] / "checkpoints" / "best.weights.h5").stat().st_size == size


def test_no_less_than_none_is_kept(tmp_path):
    with pytest.raises(ValueError, match=r"`keep_checkpoints` must be .*keep_checkpoints=-1"):
        TrainConfig(data="data", recipe="a3", out=tmp_path, keep_checkpoints=-1)
