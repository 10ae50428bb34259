"""Batches of images and boxes: through random windows to learn from, and whole ones."""

import keras
import numpy as np
import tensorflow as tf

from keras_resblocks_plugin.training.data._detection_data import NONE, BoxedImages
from keras_resblocks_plugin.training.data._records import shuffled

# Of an object that is cut off, this share must be left for it to count.
_LEAST_VISIBLE = 0.3


def training_batches(
    images: BoxedImages,
    scales: tuple[float, float],
    batch_size: int,
    converter: keras.layers.Layer,
    seed: int,
) -> tf.data.Dataset:
    """Endless batches of images and boxes, mirrored and seen through random windows.

    Args:
        images: The training images.
        scales: The least and the greatest side of a window, as a share of the image's; what
            lies outside of the image is black.
        batch_size: Images a batch.
        converter: From raw pixels to what the model reads.
        seed: Of the order.
    """
    side = images.images.shape[0]

    def augment(image, boxes, labels):
        scale = tf.random.uniform([], *scales)
        # Inside the image where the window is smaller, around it where it is larger.
        room = (1 - scale) * side
        corner = tf.random.uniform([2], tf.minimum(room, 0), tf.maximum(room, 0))
        # TensorFlow counts from the centre of the first pixel to that of the last.
        first = (corner[::-1] + 0.5 * scale - 0.5) / (side - 1)
        window = tf.concat([first, first + scale], axis=0)
        image = tf.image.crop_and_resize(image[None], window[None], [0], [side, side])[0]
        boxes = (boxes - tf.tile(corner, [2])) / scale
        visible = tf.clip_by_value(boxes, 0.0, float(side))
        share = _area(visible) / tf.maximum(_area(boxes), 1e-6)
        there = (labels >= 0) & (share >= _LEAST_VISIBLE)
        if_mirrored = tf.stack(
            [side - visible[:, 2], visible[:, 1], side - visible[:, 0], visible[:, 3]], axis=-1
        )
        mirrors = tf.random.uniform([]) < 0.5
        image = tf.cond(mirrors, lambda: image[:, ::-1], lambda: image)
        boxes = tf.cond(mirrors, lambda: if_mirrored, lambda: visible)
        return image, {
            "boxes": tf.where(there[:, None], boxes, NONE),
            "labels": tf.where(there, labels, NONE),
        }

    rows = tf.data.Dataset.zip(
        images.images.stream(), tf.data.Dataset.from_tensor_slices((images.boxes, images.labels))
    ).map(lambda image, objects: (image, *objects))
    rows = shuffled(rows, images.images.count, int(np.prod(images.images.shape)), seed)
    batches = rows.map(augment).batch(batch_size, drop_remainder=True)
    return batches.map(lambda x, y: (converter(x), y)).prefetch(2)


def evaluation_batches(
    images: BoxedImages, batch_size: int, converter: keras.layers.Layer
) -> tf.data.Dataset:
    """Batches of images and boxes, in order and as they are."""
    objects = {"boxes": images.boxes, "labels": images.labels}
    rows = tf.data.Dataset.zip(images.images.stream(), tf.data.Dataset.from_tensor_slices(objects))
    batches = rows.batch(batch_size)
    return batches.map(lambda x, y: (converter(tf.cast(x, "float32")), y)).prefetch(2)


def _area(boxes: tf.Tensor) -> tf.Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
