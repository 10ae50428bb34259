"""Segmentation and detection, killed and resumed, end with the weights of an uninterrupted run."""

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
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


def weights_after(new_task, data, run, epochs):
    """Trains until an epoch, or resumes; returns the weights."""
    # As in a new process: TensorFlow sums gradients in an order that depends on the layers' names.
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    encoder = krp.ResBlockBackbone("bn", [4, 4, 4], [1] * 3, [2] * 3, [4], [3], [2])
    task, model, batches, watched = new_task(encoder, data)
    task.compile_for(model, new_optimizer(0.01, 1e-4, EPOCHS * STEPS))
    run.mkdir(exist_ok=True)
    fit(model, batches, STEPS, epochs, run, watched)
    return [to_numpy(weight) for weight in model.weights]


@pytest.mark.parametrize("new_task", [new_segmenter, new_detector])
def test_a_resumed_run_has_the_weights_of_an_uninterrupted_one(new_task, tmp_path):
    whole = weights_after(new_task, tmp_path, tmp_path / "whole", EPOCHS)
    first = weights_after(new_task, tmp_path, tmp_path / "resumed", 1)
    resumed = weights_after(new_task, tmp_path, tmp_path / "resumed", EPOCHS)
    assert any(not np.array_equal(a, b) for a, b in zip(first, whole, strict=True))
    for ours, theirs in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
