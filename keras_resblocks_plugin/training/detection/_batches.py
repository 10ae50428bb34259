"""Batches of images and boxes: random windows to train on, and whole images to watch."""

from typing import Any

import grain
import keras

from keras_resblocks_plugin.training.data import _streams
from keras_resblocks_plugin.training.data._batches import Batches
from keras_resblocks_plugin.training.detection._augmentation import random_windows, unchanged
from keras_resblocks_plugin.training.detection._data import BoxedImages


def training_batches(
    images: BoxedImages,
    batch_size: int,
    converter: keras.Layer,
    seed: int,
    **augmentation: Any,
) -> Batches:
    """Creates endless shuffled batches of random windows of images and their boxes.

    Args:
        images: The training images.
        batch_size: Images per batch.
        converter: The layer that scales images as the preset does.
        seed: The seed of order and augmentation.
        **augmentation: Other arguments of `random_windows`.
    """
    augment = random_windows(images.images.shape[0], **augmentation)
    parts = images.images, images.boxes, images.labels
    return _streams.training_batches(parts, augment, batch_size, converter, seed)


def evaluation_batches(
    images: BoxedImages, batch_size: int, converter: keras.Layer
) -> grain.MapDataset:
    """Creates batches of whole images and their boxes, in order.

    Args:
        images: The validation images.
        batch_size: Images per batch.
        converter: The layer that scales images as the preset does.
    """
    parts = images.images, images.boxes, images.labels
    return _streams.evaluation_batches(parts, unchanged, batch_size, converter)
