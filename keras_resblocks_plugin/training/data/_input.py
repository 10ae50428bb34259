"""The input of classifiers: batches of decoded images by `tf.data`.

Nothing else that trains a classifier uses `tf.data`, so this module can be replaced.
"""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data._augmentation import image_layers, mixing_layers
from keras_resblocks_plugin.training.data._labelled_images import ImageSet

# The alignment in bytes that TensorFlow's kernels require and NumPy's file format guarantees.
_ALIGNMENT = 64


def training_batches(
    images: ImageSet,
    rows: np.ndarray,
    batch_size: int,
    augmentation: Augmentation,
    converter: keras.Layer,
    seed: int,
) -> Iterable[tuple[Any, Any]]:
    """Returns endless shuffled, augmented batches of images and one-hot labels.

    Args:
        images: The decoded images.
        rows: The rows of `images` to train on: in a distributed run, this process's share.
        batch_size: Images a step, in all processes together.
        augmentation: Random changes of the images.
        converter: Scales the augmented images.
        seed: The seed of the order and of the augmentation.
    """
    process, processes = _distribution.place()
    if images.images.shape[1:3] == converter.image_size:
        # A tenth of the pipeline's time went into resizing images to the size that they have.
        converter = type(converter).from_config({**converter.get_config(), "image_size": None})
    augment = _augment(augmentation, converter, seed + process)
    batches = _shuffled(rows, seed + process).batch(batch_size // processes, drop_remainder=True)
    return _as_is(batches.map(_loader(images)).map(augment, num_parallel_calls=1).prefetch(4))


def _shuffled(rows: np.ndarray, seed: int) -> tf.data.Dataset:
    """Returns the rows endlessly, in an order that seed and epoch alone decide.

    `Dataset.shuffle()` would draw on from whatever an earlier iterator had prefetched.
    """

    def in_order_of(epoch):
        order = tf.random.experimental.stateless_shuffle(rows, seed=[seed, epoch])
        return tf.data.Dataset.from_tensor_slices(order)

    return tf.data.Dataset.counter().flat_map(in_order_of)


def evaluation_batches(
    images: ImageSet, rows: np.ndarray, batch_size: int, converter: keras.Layer
) -> Iterable[tuple[Any, ...]]:
    """Returns batches of images and one-hot labels in order, without augmentation.

    In a distributed run every process gets the same number of full batches. They are filled up
    with images of weight 0; the weights are the third element of a batch.

    Args:
        images: The decoded images.
        rows: The rows of `images`: in a distributed run, this process's share.
        batch_size: Images a step, in all processes together.
        converter: Scales the images.
    """
    load = _loader(images)

    def convert(batch, *weight):
        x, y = load(batch)
        return converter(x), y, *weight

    distribution = keras.distribution.distribution()
    if distribution is None:
        return _as_is(tf.data.Dataset.from_tensor_slices(rows).batch(batch_size).map(convert))
    devices, processes = distribution.num_model_replicas, distribution.num_processes
    batch_size = -(-batch_size // devices) * devices
    count = int(_distribution.total(len(rows)))
    size = -(-count // batch_size) * batch_size // processes
    weights = np.zeros(size, "float32")
    # Keras divides the loss by the number of images, including those of weight 0.
    weights[: len(rows)] = size * processes / count
    filled = tf.data.Dataset.from_tensor_slices((np.resize(rows, size), weights))
    return _as_is(filled.batch(batch_size // processes).map(convert))


def split_labels(batches: tf.data.Dataset) -> tuple[Iterable[Any], np.ndarray]:
    """Splits evaluation batches into batches of images and an array of all labels."""
    labels = np.concatenate([y for _, y in batches.as_numpy_iterator()])
    return batches.map(lambda x, _: x), np.argmax(labels, axis=1)


def _augment(augmentation: Augmentation, converter: keras.Layer, seed: int) -> Callable:
    changes, mixes = image_layers(augmentation, seed), mixing_layers(augmentation, seed)

    def augment(x, y):
        for change in changes:
            x = change(x, training=True)
        data = {"images": x, "labels": y}
        for mix, probability in mixes:
            data = _with_probability(probability, mix, data)
        return converter(data["images"]), data["labels"]

    return augment


def _with_probability(probability: float, layer: keras.Layer, data: dict) -> dict:
    if probability == 1:
        return layer(data, training=True)
    return tf.cond(
        tf.random.uniform([]) < probability, lambda: layer(data, training=True), lambda: data
    )


def _loader(images: ImageSet) -> Callable:
    """Returns a `tf.data` function from rows to their images and one-hot labels.

    It is not a Python generator: whenever Keras dropped an iterator, one that waited for the
    interpreter stalled the run for up to a minute.
    """
    # The tensor shares the memory of the mapped file, which is read when a batch asks for it.
    # TensorFlow aborts the process if that memory is not aligned.
    if images.images.ctypes.data % _ALIGNMENT:
        pixels = tf.constant(images.images)
    else:
        pixels = tf.experimental.dlpack.from_dlpack(images.images.__dlpack__())
    labels = tf.constant(images.labels)
    classes = len(images.class_names)

    def load(batch):
        x = tf.cast(tf.gather(pixels, batch), "float32")
        return x, tf.one_hot(tf.gather(labels, batch), classes)

    return load


def _as_is(batches: tf.data.Dataset) -> tf.data.Dataset:
    options = tf.data.Options()
    # To rewrite its graph, `tf.data` copies every tensor in it, which includes all images.
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options)
