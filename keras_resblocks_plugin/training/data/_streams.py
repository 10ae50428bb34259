"""Batches of images with masks or boxes for `fit`, read from records."""

from collections.abc import Callable, Sequence
from typing import Any

import grain
import keras
import numpy as np

from keras_resblocks_plugin.training.data._batches import Batches, endless_order, generator
from keras_resblocks_plugin.training.data._records import Records
from keras_resblocks_plugin.training.data._scaling import Scaling

# The stream of random numbers.
_AUGMENTATION = 0


def training_batches(
    parts: Sequence[Records | np.ndarray],
    augment: Callable[..., tuple[np.ndarray, Any]],
    batch_size: int,
    converter: keras.Layer,
    seed: int,
) -> Batches:
    """Creates endless shuffled batches of augmented images and labels.

    Args:
        parts: The parts of each row, the image first.
        augment: A function from the parts of a row and its `np.random.Generator` to an image and
            its labels, an array or a dict of arrays.
        batch_size: Images per batch.
        converter: A layer with the `scale` and `offset` of the augmented images.
        seed: The seed of order and augmentation.
    """
    arrays, scaling = _arrays(parts), Scaling(converter)
    order = endless_order(np.arange(len(arrays[0])), seed, batch_size)

    def make(step):
        first = step * batch_size
        rows = [
            augment(*(array[row] for array in arrays), generator(seed, _AUGMENTATION, index))
            for index, row in enumerate(order[step], first)
        ]
        return keras.tree.map_structure(lambda *values: np.stack(values), *rows)

    return Batches(make, lambda batch: (scaling(batch[0]), batch[1]))


def evaluation_batches(
    parts: Sequence[Records | np.ndarray],
    prepare: Callable[..., tuple[np.ndarray, Any]],
    batch_size: int,
    converter: keras.Layer,
) -> grain.MapDataset:
    """Creates batches of images and labels, in order.

    Args:
        parts: The parts of each row, the image first.
        prepare: A function from the parts of a batch to its images and their labels.
        batch_size: Images per batch.
        converter: A layer with the `scale` and `offset` of the images.
    """
    arrays, scaling = _arrays(parts), Scaling(converter)

    def make(index):
        rows = slice(index * batch_size, (index + 1) * batch_size)
        images, labels = prepare(*(np.array(array[rows]) for array in arrays))
        return scaling(images), labels

    return grain.MapDataset.range(-(-len(arrays[0]) // batch_size)).map(make)


def _arrays(parts: Sequence[Records | np.ndarray]) -> list[np.ndarray]:
    return [part.array if isinstance(part, Records) else part for part in parts]
