"""Training for a number of minutes."""

import json
import os
import re
import signal
import socket
import time

import keras
import keras_hub
import numpy as np
import pytest

from keras_resblocks_plugin.training import Optimizer, Preempted, Schedule, TrainConfig, train
from keras_resblocks_plugin.training._clock import Clock
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier, finished_steps
from keras_resblocks_plugin.training.data._batches import Batches
from tests.fixtures import start_script
from tests.helpers import fill, to_numpy

STEPS, BATCH, WAIT = 2, 8, 0.03
SCHEDULE = Schedule(epochs=8, learning_rate=0.1, warmup_epochs=2)


class Rates(keras.callbacks.Callback):
    """The second of each step, and its learning rate. Sends SIGTERM after some steps, if any."""

    def __init__(self, clock, terminated_after=None):
        super().__init__()
        self.clock, self.terminated_after = clock, terminated_after
        self.seconds, self.rates = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.seconds.append(self.clock.elapsed)
        self.rates.append(float(self.model.optimizer.learning_rate))
        # No step takes less time.
        time.sleep(WAIT)
        if len(self.rates) == self.terminated_after:
            os.kill(os.getpid(), signal.SIGTERM)


def train_by_clock(folder, seconds, accumulate=1, terminated_after=None):
    """Returns the weights, the number of finished steps, and the `Rates`."""
    model = fill(keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)]))
    compile_classifier(
        model, SCHEDULE, STEPS, Optimizer(ema_momentum=0.9), accumulate=accumulate, by_clock=True
    )
    arrays = np.ones((BATCH, 2), "float32"), np.eye(3, dtype="float32")[np.zeros(BATCH, int)]
    clock = Clock(seconds / 60, SCHEDULE)
    rates = Rates(clock, terminated_after)
    fit(
        *(model, Batches(lambda step: arrays), STEPS, SCHEDULE.epochs, folder),
        callbacks=[rates],
        batch_size=BATCH,
        clock=clock,
    )
    assert clock.left == 0
    return [to_numpy(x) for x in model.weights], finished_steps(model.optimizer), rates


def rate_at(share):
    """The rate after a share of the time: a linear warm-up, and a cosine."""
    epoch = 8 * np.asarray(share)
    return np.where(epoch < 2, epoch / 20, 0.05 * (1 + np.cos(np.pi * (epoch - 2) / 6)))


def test_a_run_ends_in_time_with_the_last_rate(tmp_path, capsys):
    _, steps, run = train_by_clock(tmp_path, seconds=2.0)
    assert steps == len(run.rates)
    # Without the end of its time, the last step but one would have been the last.
    assert run.seconds[-2] < 2
    earliest = [0.0, *(second + WAIT for second in run.seconds)]
    for begin, end, rate in zip(earliest, run.seconds, run.rates, strict=False):
        possible = rate_at(np.linspace(begin, min(end, 2), 50) / 2)
        assert possible.min() - 1e-3 < rate < possible.max() + 1e-3
    assert run.rates[-1] < 0.01
    output = capsys.readouterr().out
    assert "Epoch 2\n" in output
    assert re.search(r"\d images a second, 0:00:0\d left\n", output)


def test_a_resumed_run_counts_the_stored_time(tmp_path):
    options = {"seconds": 4.0, "accumulate": 2}
    with pytest.raises(Preempted):
        train_by_clock(tmp_path, **options, terminated_after=3)
    stored = json.loads((tmp_path / "backup" / "clock.json").read_text())["seconds"]
    assert 3 * WAIT < stored < 4
    # Not the time between both.
    time.sleep(0.5)
    weights, steps, run = train_by_clock(tmp_path, **options)
    assert steps == 3 + len(run.rates)
    assert stored < run.seconds[0] < run.seconds[-2] < 4
    # Its end is final: the averaged weights are there again, to be measured.
    again, same_steps, run = train_by_clock(tmp_path, **options)
    assert (same_steps, run.rates) == (steps, [])
    for ours, theirs in zip(again, weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_a_run_by_the_clock_saves_a_preset(dataset, recipe, tmp_path):
    options = {"data": str(dataset), "recipe": str(recipe), "out": tmp_path / "run"}
    config = TrainConfig(minutes=0.05, **options)
    train(config)
    record = json.loads((config.preset_folder / "training.json").read_text())
    weights = (config.preset_folder / "model.safetensors").read_bytes()
    assert record["minutes"] == 0.05
    position = json.loads((config.out / "backup" / "position.json").read_text())
    assert record["epochs"] == pytest.approx(position["step"] / 5, abs=0.01)
    assert len(record["history"]) == -(-position["step"] // 5)
    assert "minutes" in (config.preset_folder / "README.md").read_text()
    keras_hub.models.ImageClassifier.from_preset(str(config.preset_folder))
    # Started again, it measures and saves again.
    train(config)
    again = json.loads((config.preset_folder / "training.json").read_text())
    assert [again[x] for x in ("results", "epochs")] == [record[x] for x in ("results", "epochs")]
    assert (config.preset_folder / "model.safetensors").read_bytes() == weights
    with pytest.raises(ValueError, match="minutes"):
        train(TrainConfig(minutes=0.06, **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minutes": 0}, "`minutes` must be above zero. Received: minutes=0"),
        ({"minutes": 5, "epochs": 5}, "leave one out. Received: minutes=5, epochs=5"),
    ],
)
def test_minutes_that_are_invalid(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(data="data", recipe="a3", out=tmp_path, **options)


IN_TWO_PROCESSES = """
import sys
from pathlib import Path
from keras_resblocks_plugin.training import DistributionConfig, TrainConfig, train
distribution = DistributionConfig(
    job_addresses=sys.argv[4], num_processes=2, process_id=int(sys.argv[5])
)
places = {"data": sys.argv[1], "recipe": sys.argv[2], "out": Path(sys.argv[3])}
train(TrainConfig(minutes=1, distribution=distribution, **places))
"""


@pytest.mark.skipif(keras.config.backend() != "jax", reason="JAX alone has several processes.")
def test_several_processes_are_refused(dataset, recipe, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    script = tmp_path / "train.py"
    script.write_text(IN_TWO_PROCESSES)
    processes = [
        start_script(
            *(script, dataset, recipe, tmp_path / f"run{index}", address, index),
        )
        for index in range(2)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 1
        assert "`minutes` needs a single process" in errors
