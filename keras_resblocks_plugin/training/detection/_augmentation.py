"""Changes of an image and its boxes before they are batched: random windows, mirrored."""

from collections.abc import Callable

import tensorflow as tf

from keras_resblocks_plugin.training.detection._data import NONE

# The range of the side of a random window, as a share of the image's.
SCALES = (0.7, 1.3)
# An object that the window cuts off counts if this share of its box remains.
_LEAST_VISIBLE = 0.3


def random_windows(side: int, scales: tuple[float, float] = SCALES) -> Callable:
    """Returns a function that mirrors an image at random and takes a random window of it.

    The window is resized to the size of the image. Outside of the image it is black.

    Args:
        side: The side of the images in pixels.
        scales: The smallest and largest side of the window, as a share of the image's.
    """

    def augment(image, boxes, labels):
        scale = tf.random.uniform([], *scales)
        # A smaller window lies inside of the image, a larger one around it.
        room = (1 - scale) * side
        corner = tf.random.uniform([2], tf.minimum(room, 0), tf.maximum(room, 0))
        # TensorFlow measures from the centre of the first pixel to the centre of the last.
        first = (corner[::-1] + 0.5 * scale - 0.5) / (side - 1)
        window = tf.concat([first, first + scale], axis=0)
        image = tf.image.crop_and_resize(image[None], window[None], [0], [side, side])[0]
        boxes = (boxes - tf.tile(corner, [2])) / scale
        visible = tf.clip_by_value(boxes, 0.0, float(side))
        share = _area(visible) / tf.maximum(_area(boxes), 1e-6)
        counts = (labels >= 0) & (share >= _LEAST_VISIBLE)
        if_mirrored = tf.stack(
            [side - visible[:, 2], visible[:, 1], side - visible[:, 0], visible[:, 3]], axis=-1
        )
        mirrors = tf.random.uniform([]) < 0.5
        image = tf.cond(mirrors, lambda: image[:, ::-1], lambda: image)
        boxes = tf.cond(mirrors, lambda: if_mirrored, lambda: visible)
        return image, {
            "boxes": tf.where(counts[:, None], boxes, NONE),
            "labels": tf.where(counts, labels, NONE),
        }

    return augment


def unchanged(image: tf.Tensor, boxes: tf.Tensor, labels: tf.Tensor):
    """Returns an image as it is, with its boxes."""
    return tf.cast(image, "float32"), {"boxes": boxes, "labels": labels}


def _area(boxes: tf.Tensor) -> tf.Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
