"""Batches to fine-tune and measure a classifier with."""

from collections.abc import Iterable

import keras
import numpy as np

from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data import _input
from keras_resblocks_plugin.training.data._labelled_images import ImageSet

AUGMENTATION = Augmentation(flip=True, translation=0.1)
# Images per step while measuring.
_MEASURED = 250


def training_batches(
    images: ImageSet,
    batch_size: int,
    normalize: keras.Layer,
    seed: int,
    rows: np.ndarray | None = None,
) -> Iterable:
    """Creates endless shuffled batches of augmented images and one-hot labels.

    Args:
        images: The decoded images; in a distributed run, this process's share.
        batch_size: Images per step, in all processes together.
        normalize: The layer that scales pixels as the preset does.
        seed: The seed of order and augmentation.
        rows: The images to train on. Defaults to all.
    """
    rows = np.arange(len(images.labels)) if rows is None else rows
    return _input.training_batches(images, rows, batch_size, AUGMENTATION, normalize, seed)


def evaluation_batches(
    images: ImageSet, normalize: keras.Layer, rows: np.ndarray | None = None
) -> Iterable:
    """Creates batches of images and one-hot labels, in order and without augmentation.

    Args:
        images: The decoded images; in a distributed run, this process's share.
        normalize: The layer that scales pixels as the preset does.
        rows: The images to measure on. Defaults to all.
    """
    rows = np.arange(len(images.labels)) if rows is None else rows
    return _input.evaluation_batches(images, rows, _MEASURED, normalize)
