"""Many steps in one call, against the same steps one at a time."""

import os
import signal

import grain
import jax
import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import Augmentation, Optimizer, Preempted, Schedule
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier, finished_steps
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.device._arrays import DeviceCalls, steps_per_call
from keras_resblocks_plugin.training.device._augmentation import DeviceAugmentation
from keras_resblocks_plugin.training.device._train_step import DeviceTraining

# Compiling the second takes most of the time of a test.
SHIFTED = Augmentation(translation=0.2)
MIXED = Augmentation(translation=0.2, mixup_alpha=0.4, crop_probability=0.5, crop_until=0.6)
STEPS, EPOCHS, BATCH = 4, 3, 8
SCALING = keras.layers.Rescaling(1 / 64, -2.0)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (37, 8, 8, 3), "uint8")
    return ImageSet(pixels, np.arange(37, dtype="int32") % 3, ["a", "b", "c"])


def build():
    keras.utils.set_random_seed(0)
    backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
    model = krp.ResBlockImageClassifier(backbone, num_classes=3, dropout=0.3)
    model.preprocessor = None
    return model


def compiled(model, accumulate=1):
    compile_classifier(
        model,
        Schedule(epochs=EPOCHS, warmup_epochs=1),
        STEPS,
        Optimizer(ema_momentum=0.9),
        accumulate=accumulate,
    )
    return model


def device_training(classifier, images, augmentation=SHIFTED, steps=None):
    augmentation = DeviceAugmentation(augmentation, SCALING, 3, 0, STEPS * EPOCHS)
    calls = DeviceCalls(images, BATCH, 1, 0, STEPS)
    calls.steps_per_call = steps or calls.steps_per_call
    return DeviceTraining(classifier, augmentation, calls.steps_per_call), calls, augmentation


class Steps(keras.callbacks.Callback):
    """The first and last step of each call, and the logs."""

    def __init__(self):
        super().__init__()
        self.calls, self.losses = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.first = batch

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append((self.first, batch))
        self.losses.append(float(logs["loss"]))


@pytest.mark.parametrize(
    ("augmentation", "accumulate"), [(MIXED, 1), (SHIFTED, 2)], ids=["mixed", "accumulated"]
)
def test_calls_of_many_steps_equal_single_steps(images, augmentation, accumulate):
    classifier = build()
    training, calls, augmentation = device_training(classifier, images, augmentation)
    compiled(training, accumulate)
    seen = Steps()
    training.fit(
        calls.starting_at(0),
        steps_per_epoch=STEPS,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[seen],
    )
    assert seen.calls == EPOCHS * [(0, STEPS - 1)]
    assert finished_steps(training.optimizer) == EPOCHS * STEPS

    reference = compiled(build(), accumulate)
    augment, losses = jax.jit(augmentation), []
    for step in range(EPOCHS * STEPS):
        rows = calls.rows(step)
        x, y = augment(step, images.images[rows], images.labels[rows])
        losses.append(keras.Model.train_on_batch(reference, x, y, return_dict=True)["loss"])
    reference.optimizer.finalize_variable_values(reference.trainable_weights)
    np.testing.assert_allclose(seen.losses, np.reshape(losses, (EPOCHS, STEPS)).mean(1), rtol=1e-5)
    for ours, theirs in zip(classifier.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


class TerminatedCalls:
    """Calls that send this process SIGTERM when the one that begins with a step is read."""

    def __init__(self, calls, step):
        self.calls, self.step = calls, step

    def starting_at(self, step):
        for call in self.calls.starting_at(step):
            if call[0]["steps"][0] == self.step:
                os.kill(os.getpid(), signal.SIGTERM)
            yield call


def train(images, folder, epochs, steps=3, terminated_at=None):
    """Trains by calls of three steps and of one until an epoch, or resumes."""
    folder.mkdir(exist_ok=True)
    classifier = build()
    training, calls, _ = device_training(classifier, images, steps=steps)
    calls = TerminatedCalls(calls, terminated_at)
    compiled(training)
    x, y = images.images[:8] / 64 - 2.0, np.eye(3)[images.labels[:8]]
    validation = grain.MapDataset.source([(x[:5], y[:5]), (x[5:], y[5:])])
    history = fit(training, calls, STEPS, epochs, folder, validation)
    return classifier.get_weights(), history


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """The weights and the history of a run without interruption, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return *train(images, folder, EPOCHS), folder


@pytest.mark.filterwarnings("error:Your input ran out of data")
def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one(images, whole, tmp_path):
    weights, history, folder = whole
    assert [list(x) for x in history] == EPOCHS * [
        ["epoch", "accuracy", "loss", "val_accuracy", "val_loss", "learning_rate", "seconds"]
    ]
    first, _ = train(images, tmp_path, 1)
    resumed, resumed_history = train(images, tmp_path, EPOCHS)
    assert any(not np.array_equal(a, b) for a, b in zip(first, weights, strict=True))
    for ours, theirs in zip(resumed, weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [x["loss"] for x in resumed_history] == [x["loss"] for x in history]
    # The images are no part of the backup.
    backup = folder / "backup" / "latest.weights.h5"
    assert images.images[0].tobytes() not in backup.read_bytes()


def test_sigterm_ends_a_run_after_a_call_and_the_run_continues(images, whole, tmp_path):
    weights, history, _ = whole
    with pytest.raises(Preempted) as stop:
        train(images, tmp_path, EPOCHS, terminated_at=4)
    assert stop.value.step == 7
    # The last step of the second epoch, and the third by calls of other lengths.
    resumed, resumed_history = train(images, tmp_path, EPOCHS, steps=2)
    for ours, theirs in zip(resumed, weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [x["loss"] for x in resumed_history] == [x["loss"] for x in history]


def test_calls_depend_on_their_first_step_alone(images):
    calls = DeviceCalls(images, BATCH, 1, 5, steps_per_epoch=7)
    calls.steps_per_call = 3
    reading = calls.starting_at(0)
    first = [next(reading) for _ in range(9)]
    steps = [call[0]["steps"].tolist() for call in first]
    assert steps[:4] == [[0, 1, 2], [3, 4, 5], [6], [7, 8, 9]]
    later = calls.starting_at(10)
    for call in first[4:]:
        indices, pixels, labels = next(later)
        for name, value in call[0].items():
            np.testing.assert_array_equal(indices[name], value)
        # The same arrays each time: nothing is copied to the device again.
        assert pixels is call[1]
        assert labels is call[2]
    rows = np.concatenate([call[0]["rows"].ravel() for call in first])
    passes = rows[: 2 * 37].reshape(2, 37)
    assert [sorted(x) for x in passes.tolist()] == 2 * [list(range(37))]
    assert passes[0].tolist() != passes[1].tolist()


def test_an_image_may_be_several_times_in_a_batch(images):
    calls = DeviceCalls(images, BATCH, 3, 0, STEPS)
    _, counts = np.unique(calls.rows(0), return_counts=True)
    assert sorted(counts) == [2, 3, 3]


def test_calls_divide_the_epoch_where_they_can():
    assert [steps_per_call(x) for x in (1, 7, 50, 390, 397, 1000)] == [1, 7, 50, 39, 50, 50]
