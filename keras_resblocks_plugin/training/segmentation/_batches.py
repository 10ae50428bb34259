"""Batches of images and masks: random crops to train on, and whole images to measure on."""

from collections.abc import Iterator
from typing import Any

import grain
import keras
import numpy as np

from keras_resblocks_plugin.training.data import _streams
from keras_resblocks_plugin.training.data._batches import Batches
from keras_resblocks_plugin.training.segmentation._augmentation import padding, random_crops
from keras_resblocks_plugin.training.segmentation._classes import Classes
from keras_resblocks_plugin.training.segmentation._data import MaskedImages


def padded_size(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """Returns the smallest height and width that hold `size` and are multiples of `stride`."""
    return tuple(-(-side // stride) * stride for side in size)


def training_batches(
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    batch_size: int,
    converter: keras.Layer,
    seed: int,
    **augmentation: Any,
) -> Batches:
    """Creates endless shuffled batches of random crops of images and masks.

    Args:
        images: The training images.
        classes: The classes of the masks.
        size: The height and width of the crops.
        batch_size: Images per batch.
        converter: The layer that scales images as the preset does.
        seed: The seed of order and augmentation.
        **augmentation: Other arguments of `random_crops`.
    """
    augment = random_crops(classes, images.size, size, **augmentation)
    parts = images.images, images.masks
    return _streams.training_batches(parts, augment, batch_size, converter, seed)


def evaluation_batches(
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    batch_size: int,
    converter: keras.Layer,
) -> grain.MapDataset:
    """Creates batches of whole images and masks in order, padded, to watch while training.

    Args:
        images: The validation images.
        classes: The classes of the masks. Padding has the ignored class.
        size: The height and width to pad to.
        batch_size: Images per batch.
        converter: The layer that scales images as the preset does.
    """
    parts = images.images, images.masks
    return _streams.evaluation_batches(parts, padding(classes, size), batch_size, converter)


def raw_batches(
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    batch_size: int,
    rows: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields arrays of raw images, padded, and of their masks of class indices, as they are.

    Args:
        images: The images.
        classes: The classes of the masks.
        size: The height and width to pad to.
        batch_size: Images per batch.
        rows: The rows to yield. Defaults to all.
    """
    rows = np.arange(images.images.count) if rows is None else rows
    edges = [(0, 0), *((0, to - side) for to, side in zip(size, images.size, strict=True)), (0, 0)]
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        raw = np.pad(images.images.array[batch], edges).astype("float32")
        yield raw, classes.lookup[images.masks.array[batch]]
