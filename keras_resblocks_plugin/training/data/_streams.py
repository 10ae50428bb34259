"""Batches of records for `fit`, by `tf.data`.

Segmentation and detection read their records through this module alone, so that it can be
replaced.
"""

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_resblocks_plugin.training.data._records import Records

# The most memory that a shuffled stream may take.
_SHUFFLED_BYTES = 256 << 20


@dataclasses.dataclass(frozen=True)
class Endless:
    """Endless batches for `fit`, which begin again wherever a run resumes."""

    dataset: tf.data.Dataset

    def starting_at(self, step: int) -> tf.data.Dataset:
        """Returns the batches."""
        return self.dataset


def training_batches(
    parts: Sequence[Records | np.ndarray],
    augment: Callable,
    batch_size: int,
    converter: keras.layers.Layer,
    seed: int,
) -> tf.data.Dataset:
    """Creates endless shuffled batches of augmented images and labels.

    A set that does not fit in the shuffle buffer is mixed as far as it fits.

    Args:
        parts: The parts of each row, the image first.
        augment: A function of TensorFlow from the parts of a row to an image and its labels.
        batch_size: Images per batch.
        converter: The layer that scales images as the preset does.
        seed: The seed of the order.
    """
    records = [part for part in parts if isinstance(part, Records)]
    row_bytes = sum(int(np.prod(part.shape)) for part in records)
    buffer = max(1, min(records[0].count, _SHUFFLED_BYTES // row_bytes))
    rows = _rows(parts).shuffle(buffer, seed=seed).repeat()
    batches = rows.map(augment).batch(batch_size, drop_remainder=True)
    return batches.map(lambda x, y: (converter(x), y)).prefetch(2)


def evaluation_batches(
    parts: Sequence[Records | np.ndarray],
    prepare: Callable,
    batch_size: int,
    converter: keras.layers.Layer,
) -> tf.data.Dataset:
    """Creates batches of images and labels, in order.

    Args:
        parts: The parts of each row, the image first.
        prepare: A function of TensorFlow from the parts of a row to an image and its labels.
        batch_size: Images per batch.
        converter: The layer that scales images as the preset does.
    """
    batches = _rows(parts).map(prepare).batch(batch_size)
    return batches.map(lambda x, y: (converter(x), y)).prefetch(2)


def _rows(parts: Sequence[Records | np.ndarray]) -> tf.data.Dataset:
    return tf.data.Dataset.zip(
        *(
            _read(part) if isinstance(part, Records) else tf.data.Dataset.from_tensor_slices(part)
            for part in parts
        )
    )


def _read(records: Records) -> tf.data.Dataset:
    """Reads one array after the other from the file, without Python."""
    rows = tf.data.FixedLengthRecordDataset(str(records.file), int(np.prod(records.shape)))
    rows = rows.apply(tf.data.experimental.assert_cardinality(records.count))
    return rows.map(lambda x: tf.reshape(tf.io.decode_raw(x, "uint8"), records.shape))
