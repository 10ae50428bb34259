"""Changes of an image and its mask before they are batched: random crops, and padding."""

from collections.abc import Callable

import tensorflow as tf

from keras_resblocks_plugin.training.segmentation._classes import Classes

# The range of the random scale.
SCALES = (0.75, 1.5)


def random_crops(
    classes: Classes,
    image_size: tuple[int, int],
    size: tuple[int, int],
    scales: tuple[float, float] = SCALES,
) -> Callable:
    """Returns a function that scales, mirrors and crops an image and its mask at random.

    Args:
        classes: The classes of the masks.
        image_size: The height and width of the images.
        size: The height and width of the crops. Smaller images are padded with black, and
            their masks with the ignored class.
        scales: The smallest and largest scale.
    """
    lookup = tf.constant(classes.lookup)

    def augment(image, mask):
        mask = _class_indices(mask, lookup)
        scale = tf.random.uniform([], *scales)
        scaled = tf.cast(tf.round(scale * tf.constant(image_size, "float32")), "int32")
        image = tf.image.resize(image, scaled)
        mask = tf.image.resize(mask, scaled, "nearest")
        image, mask = _pad(image, mask, tf.maximum(scaled, size), classes.ignored)
        both = tf.concat([image, tf.cast(mask, "float32")], axis=-1)
        both = tf.image.random_crop(tf.image.random_flip_left_right(both), (*size, 4))
        return both[..., :3], tf.cast(both[..., 3], "int32")

    return augment


def padding(classes: Classes, size: tuple[int, int]) -> Callable:
    """Returns a function that pads an image and its mask below and on the right.

    Args:
        classes: The classes of the masks. Padding has the ignored class.
        size: The height and width to pad to.
    """
    lookup = tf.constant(classes.lookup)

    def pad(image, mask):
        mask = _class_indices(mask, lookup)
        image, mask = _pad(tf.cast(image, "float32"), mask, size, classes.ignored)
        return image, tf.cast(mask[..., 0], "int32")

    return pad


def _class_indices(mask: tf.Tensor, lookup: tf.Tensor) -> tf.Tensor:
    return tf.gather(lookup, tf.cast(mask, "int32"))[..., None]


def _pad(image, mask, size, ignored):
    height, width = size[0] - tf.shape(mask)[0], size[1] - tf.shape(mask)[1]
    edges = [[0, height], [0, width], [0, 0]]
    return tf.pad(image, edges), tf.pad(mask, edges, constant_values=ignored)
