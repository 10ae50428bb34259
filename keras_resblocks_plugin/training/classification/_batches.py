"""Batches to fine-tune and measure a classifier with."""

import keras
import numpy as np
import tensorflow as tf

from keras_resblocks_plugin.training import _training
from keras_resblocks_plugin.training._recipe import Recipe
from keras_resblocks_plugin.training.data._data import ImageSet

# The largest random shift of a training image, as a share of its side.
TRANSLATION = 0.1
# Images per step while measuring.
_MEASURED = 250


def training_batches(
    images: ImageSet, rows: np.ndarray, batch_size: int, normalize: keras.Layer, seed: int
) -> tf.data.Dataset:
    """Creates endless shuffled batches of mirrored and shifted images and one-hot labels.

    Args:
        images: The decoded images.
        rows: The images to train on; in a distributed run, this process's share.
        batch_size: Images per step, in all processes together.
        normalize: The layer that scales pixels as the preset does.
        seed: The seed of order and augmentation.
    """
    augmentation = Recipe({}, batch_size=batch_size, flip=True, translation=TRANSLATION)
    return _training.training_batches(images, rows, augmentation, normalize, seed)


def evaluation_batches(
    images: ImageSet, rows: np.ndarray, normalize: keras.Layer
) -> tf.data.Dataset:
    """Creates batches of images and one-hot labels, in order and without augmentation."""
    return _training.evaluation_batches(images, rows, _MEASURED, normalize)
