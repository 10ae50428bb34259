"""Batches to fine-tune and measure a classifier with."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data import _input
from keras_resblocks_plugin.training.data._labelled_images import ImageSet

# The largest random shift of a training image, as a share of its side.
TRANSLATION = 0.1
# Images per step while measuring.
_MEASURED = 250


def training_batches(
    images: ImageSet, rows: np.ndarray, batch_size: int, normalize: keras.Layer, seed: int
) -> Iterable[tuple[Any, Any]]:
    """Creates endless shuffled batches of mirrored and shifted images and one-hot labels.

    Args:
        images: The decoded images.
        rows: The images to train on; in a distributed run, this process's share.
        batch_size: Images per step, in all processes together.
        normalize: The layer that scales pixels as the preset does.
        seed: The seed of order and augmentation.
    """
    augmentation = Augmentation(flip=True, translation=TRANSLATION)
    return _input.training_batches(images, rows, batch_size, augmentation, normalize, seed)


def evaluation_batches(
    images: ImageSet, rows: np.ndarray, normalize: keras.Layer
) -> Iterable[tuple[Any, ...]]:
    """Creates batches of images and one-hot labels, in order and without augmentation."""
    return _input.evaluation_batches(images, rows, _MEASURED, normalize)
