"""Runs that a signal ends at a random instant, and that continue."""

import json
import os
import signal

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import Optimizer, Preempted, Schedule
from keras_resblocks_plugin.training._callbacks import read_history
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier
from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data._batches import Batches
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.data._training import AugmentedBatches
from tests.fixtures import start_script
from tests.helpers import to_numpy

STEPS, EPOCHS = 4, 3


@pytest.mark.skipif(keras.config.backend() != "jax", reason="JAX alone has several processes.")
def test_killed_processes_end_together_and_continue_with_equal_weights():
    # Two processes, one of which is killed, and four, one of which is preempted.
    process = start_script("study/kill_processes.py", "--repeats", 2, "--debug")
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors[-3000:]
    killed, preempted = map(json.loads, output.splitlines())
    victim = killed["victim"]
    assert killed["codes"][victim] == -signal.SIGKILL
    assert all(code not in (0, 75) for code in killed["codes"])
    assert killed["naming"] == [index for index in range(2) if index != victim]
    # The processes agree on one of the next steps, or have finished before.
    assert preempted["codes"] in ([75] * 4, [0] * 4)
    for outcome in (killed, preempted):
        assert outcome["seconds"] < 60
        assert outcome["difference"] == 0
        assert outcome["difference_alone"] < 1e-5


def train(folder, terminated_at, accumulate):
    """Trains in this process, which gets SIGTERM when it reads a batch; returns the weights."""
    folder.mkdir(exist_ok=True)
    keras.utils.set_random_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), "uint8")
    images = ImageSet(pixels, np.arange(30, dtype="int32") % 3, ["a", "b", "c"])
    make = AugmentedBatches(images, np.arange(30), 8, Augmentation(), (8, 8), 0)
    backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
    model = krp.ResBlockImageClassifier(backbone, num_classes=3, dropout=0.3)
    model.preprocessor = None
    schedule, optimizer = Schedule(epochs=EPOCHS), Optimizer(ema_momentum=0.5)
    compile_classifier(model, schedule, STEPS, optimizer, accumulate=accumulate)
    count = 0

    def finish(batch):
        nonlocal count
        count += 1
        if count == terminated_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return (batch[0] / 64 - 2).astype("float32"), batch[1]

    fit(model, Batches(make, finish), STEPS, EPOCHS, folder)
    return [to_numpy(weight) for weight in model.weights]


@pytest.mark.parametrize("accumulate", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_sigterm_ends_a_process_which_continues_with_equal_weights(tmp_path, accumulate):
    handler = signal.getsignal(signal.SIGTERM)
    whole = train(tmp_path / "whole", None, accumulate)
    stops = []
    for terminated_at in (3, 5, None):
        try:
            weights = train(tmp_path / "preempted", terminated_at, accumulate)
        except Preempted as stop:
            stops.append(stop)
    assert signal.getsignal(signal.SIGTERM) is handler
    assert [stop.code for stop in stops] == [75, 75]
    assert 0 < stops[0].step < stops[1].step
    assert f"after step {stops[0].step}" in str(stops[0])
    for ours, theirs in zip(weights, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # The epochs have the figures of all their steps, whenever they were interrupted.
    assert figures(tmp_path / "preempted") == figures(tmp_path / "whole")


def figures(folder):
    """The figures of each epoch, without how long it took."""
    history = read_history(folder / "history.jsonl")
    return [{name: x for name, x in epoch.items() if name != "seconds"} for epoch in history]
