"""Batches to fine-tune and measure a classifier with."""

import keras
import numpy as np

from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data import _input
from keras_resblocks_plugin.training.data._batches import Batches
from keras_resblocks_plugin.training.data._input import EvaluationBatches
from keras_resblocks_plugin.training.data._sources import Images
from keras_resblocks_plugin.training.data._training import new_training_batches

AUGMENTATION = Augmentation(flip=True, translation=0.1)
# Images per step while measuring.
_MEASURED = 250


def training_batches(
    images: Images,
    batch_size: int,
    normalize: keras.Layer,
    seed: int,
    rows: np.ndarray | None = None,
    max_unreadable: int | None = 0,
) -> Batches:
    """Creates endless shuffled batches of augmented images and one-hot labels.

    Args:
        images: The images, in a distributed run those of all processes.
        batch_size: Images per step, in all processes together.
        normalize: The layer that scales pixels as the preset does.
        seed: The seed of order and augmentation.
        rows: The images to train on. Defaults to all.
        max_unreadable: How many images may be unreadable. `None` for any number.
    """
    rows = np.arange(len(images)) if rows is None else rows
    return new_training_batches(
        *(images, rows, batch_size, AUGMENTATION, normalize, seed), max_unreadable=max_unreadable
    )


def evaluation_batches(
    images: Images, normalize: keras.Layer, rows: np.ndarray | None = None
) -> EvaluationBatches:
    """Creates batches of images and one-hot labels, in order and without augmentation.

    Args:
        images: The images; in a distributed run, this process's share.
        normalize: The layer that scales pixels as the preset does.
        rows: The images to measure on. Defaults to all.
    """
    rows = np.arange(len(images)) if rows is None else rows
    return _input.evaluation_batches(images, rows, _MEASURED, normalize)
