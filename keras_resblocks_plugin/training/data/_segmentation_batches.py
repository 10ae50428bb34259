"""Batches of images and masks: random parts to learn from, and whole ones, padded."""

import keras
import numpy as np
import tensorflow as tf

from keras_resblocks_plugin.training.data._records import shuffled
from keras_resblocks_plugin.training.data._segmentation_data import Classes, MaskedImages


def padded_size(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """The smallest height and width that hold `size` and that `stride` divides."""
    return tuple(-(-side // stride) * stride for side in size)


def training_batches(
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    scales: tuple[float, float],
    batch_size: int,
    converter: keras.layers.Layer,
    seed: int,
) -> tf.data.Dataset:
    """Endless batches of random parts of images, mirrored and scaled at random.

    Args:
        images: The training images.
        classes: Which value is which class.
        size: Height and width of the parts; what an image lacks is black, and ignored.
        scales: The least and the greatest change of scale.
        batch_size: Images a batch.
        converter: From raw pixels to what the model reads.
        seed: Of the order.
    """
    lookup = tf.constant(classes.lookup)

    def augment(image, mask):
        mask = tf.gather(lookup, tf.cast(mask, "int32"))[..., None]
        scale = tf.random.uniform([], *scales)
        scaled = tf.cast(tf.round(scale * tf.constant(images.size, "float32")), "int32")
        image = tf.image.resize(image, scaled)
        mask = tf.image.resize(mask, scaled, "nearest")
        image, mask = _pad(image, mask, tf.maximum(scaled, size), classes.ignored)
        both = tf.concat([image, tf.cast(mask, "float32")], axis=-1)
        both = tf.image.random_crop(tf.image.random_flip_left_right(both), (*size, 4))
        return both[..., :3], tf.cast(both[..., 3], "int32")

    rows = tf.data.Dataset.zip(images.images.stream(), images.masks.stream())
    rows = shuffled(rows, images.images.count, 4 * int(np.prod(images.size)), seed)
    batches = rows.map(augment).batch(batch_size, drop_remainder=True)
    return batches.map(lambda x, y: (converter(x), y)).prefetch(2)


def evaluation_batches(
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    batch_size: int,
    converter: keras.layers.Layer | None = None,
) -> tf.data.Dataset:
    """Whole images and masks in order, padded below and on the right with the ignored class."""
    lookup = tf.constant(classes.lookup)

    def load(image, mask):
        mask = tf.gather(lookup, tf.cast(mask, "int32"))[..., None]
        image, mask = _pad(tf.cast(image, "float32"), mask, size, classes.ignored)
        return image, tf.cast(mask[..., 0], "int32")

    rows = tf.data.Dataset.zip(images.images.stream(), images.masks.stream()).map(load)
    batches = rows.batch(batch_size)
    if converter is not None:
        batches = batches.map(lambda x, y: (converter(x), y))
    return batches.prefetch(2)


def _pad(image, mask, size, ignored):
    height, width = size[0] - tf.shape(mask)[0], size[1] - tf.shape(mask)[1]
    edges = [[0, height], [0, width], [0, 0]]
    return tf.pad(image, edges), tf.pad(mask, edges, constant_values=ignored)
