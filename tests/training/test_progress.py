"""Images a second and the time left, as a run prints them."""

import re
import time

import grain
import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._progress import Progress
from keras_resblocks_plugin.training.data._batches import Batches

STEPS, EPOCHS, BATCH = 6, 3, 8
# Seconds that a step waits for its batch.
WAIT = 0.04


def waiting(batch):
    time.sleep(WAIT)
    return batch


def test_a_run_prints_images_a_second_and_the_time_left(tmp_path, capsys):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    arrays = np.ones((BATCH, 2), "float32"), np.ones((BATCH, 1), "float32")
    history = fit(
        *(model, Batches(lambda step: arrays, waiting), STEPS, EPOCHS, tmp_path),
        validation_data=grain.MapDataset.source([arrays]),
        batch_size=BATCH,
    )
    rates = [epoch["images_per_second"] for epoch in history]
    # Half of the batches may be read ahead, during validation.
    most = 2 * BATCH / WAIT
    assert all(0 < rate < most for rate in rates)
    # Later epochs count all their steps, and an epoch is longer than they are.
    assert all(
        rate * (epoch["seconds"] + 0.05) >= STEPS * BATCH
        for rate, epoch in zip(rates[1:], history[1:], strict=True)
    )
    output = capsys.readouterr().out
    assert f"images_per_second: {rates[0]:.1f}" in output
    lines = re.findall(r"^(\d+) images a second, \d:\d\d:\d\d left$", output, re.MULTILINE)
    assert [int(rate) for rate in lines] == [pytest.approx(rate, abs=1) for rate in rates[:-1]]


def test_calls_of_several_steps_count_their_images(capsys):
    # As Keras calls it where 4 steps are taken by 2 calls.
    progress, logs = Progress(batch_size=1000, steps_per_epoch=4, epochs=1001), [{}, {}]
    for epoch in range(2):
        progress.on_epoch_begin(epoch)
        for last in (1, 3):
            time.sleep(0.1)
            progress.on_train_batch_end(last)
        progress.on_epoch_end(epoch, logs[epoch])
    progress.on_epoch_begin(2)
    # A step takes 0.05 seconds, or longer on a busy machine.
    assert all(2_000 < x["images_per_second"] <= 20_000 for x in logs)
    hours, minutes, _ = re.findall(r"(\d+):(\d+):(\d+) left", capsys.readouterr().out)[-1]
    # 999 epochs of 0.2 seconds.
    assert 3 <= 60 * int(hours) + int(minutes) < 34
