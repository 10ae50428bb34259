"""Segmentation and detection, ended by SIGTERM and resumed, against a run without interruption."""

import os
import signal

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import Preempted
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training.detection import _batches as boxed_batches
from keras_resblocks_plugin.training.detection import _model as detector
from keras_resblocks_plugin.training.detection._data import load_boxed_images
from keras_resblocks_plugin.training.finetuning._optimizer import new_optimizer
from keras_resblocks_plugin.training.segmentation import _batches as masked_batches
from keras_resblocks_plugin.training.segmentation import _model as segmenter
from keras_resblocks_plugin.training.segmentation._classes import Classes
from keras_resblocks_plugin.training.segmentation._data import load_masked_images
from tests.helpers import to_numpy
from tests.training.detection.scenes import SIDE, save_scenes
from tests.training.segmentation.streets import IGNORED, NAMES, save_streets

# Batches and `fit` are tested on every backend. Here both meet KerasHub's tasks.
pytestmark = pytest.mark.slow

STEPS, EPOCHS = 2, 2
CONVERTER = krp.ResBlockImageConverter(scale=1 / 64, offset=-2.0)


def new_segmenter(encoder, folder):
    if not (folder / "data").exists():
        save_streets(folder / "data", train=5)
    images = load_masked_images(
        *(str(folder / "data"), "train", folder / "cache", None, "image", "mask"),
        skip_unreadable=False,
    )
    classes = Classes(NAMES, IGNORED)
    batches = masked_batches.training_batches(images, classes, (16, 16), 2, CONVERTER, seed=0)
    watched = masked_batches.evaluation_batches(images, classes, (32, 48), 2, CONVERTER)
    return segmenter, segmenter.build(encoder, len(NAMES)), batches, watched


def new_detector(encoder, folder):
    if not (folder / "data").exists():
        save_scenes(folder / "data", train=5)
    images = load_boxed_images(
        *(str(folder / "data"), "train", folder / "cache", SIDE, "image", "objects"),
        skip_unreadable=False,
        skip_bad_boxes=False,
    )
    batches = boxed_batches.training_batches(images, 2, CONVERTER, seed=0)
    watched = boxed_batches.evaluation_batches(images, 2, CONVERTER)
    return detector, detector.build(encoder, 2, SIDE), batches, watched


class Terminated:
    """Batches that send this process SIGTERM in the first step, before which Keras reads two."""

    def __init__(self, batches):
        self.batches, self.count = batches, 0

    def starting_at(self, step):
        return self.batches.starting_at(step).map(self._read)

    def _read(self, batch):
        self.count += 1
        if self.count == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return batch


def train(new_task, data, run, terminated=False):
    """Trains or resumes; returns the weights and the losses."""
    # As in a new process: TensorFlow sums gradients in an order that depends on the layers' names.
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    encoder = krp.ResBlockBackbone("bn", [4, 4, 4], [1] * 3, [2] * 3, [4], [3], [2])
    task, model, batches, watched = new_task(encoder, data)
    task.compile_for(model, new_optimizer(0.01, 1e-4, EPOCHS * STEPS))
    run.mkdir(exist_ok=True)
    batches = Terminated(batches) if terminated else batches
    history = fit(model, batches, STEPS, EPOCHS, run, watched)
    figures = [{name: x for name, x in epoch.items() if name != "seconds"} for epoch in history]
    return [to_numpy(weight) for weight in model.weights], figures


@pytest.mark.parametrize("new_task", [new_segmenter, new_detector])
def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one(new_task, tmp_path):
    whole, figures = train(new_task, tmp_path, tmp_path / "whole")
    with pytest.raises(Preempted) as stop:
        train(new_task, tmp_path, tmp_path / "resumed", terminated=True)
    assert stop.value.step == 1
    resumed, resumed_figures = train(new_task, tmp_path, tmp_path / "resumed")
    for ours, theirs in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert resumed_figures == figures
