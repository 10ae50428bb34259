"""The input of classifiers: batches of images and one-hot labels, by grain."""

from collections.abc import Callable, Iterable
from typing import Any

import grain
import keras
import numpy as np

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data._images import UnreadableImage
from keras_resblocks_plugin.training.data._scaling import Scaling
from keras_resblocks_plugin.training.data._sources import Images
from keras_resblocks_plugin.training.data._training import new_training_batches


def training_batches(
    images: Images,
    rows: np.ndarray,
    batch_size: int,
    augmentation: Augmentation,
    converter: keras.Layer,
    seed: int,
) -> grain.IterDataset:
    """Returns endless training batches from the first on, see `new_training_batches`."""
    batches = new_training_batches(images, rows, batch_size, augmentation, converter, seed)
    return batches.starting_at(0)


class EvaluationBatches(grain.MapDataset):
    """Batches of images and one-hot labels in order.

    Args:
        count: The number of batches.
        make: A function from the number of a batch to the batch. Threads call it.
        labels: The labels of all images.
    """

    def __init__(self, count: int, make: Callable[[int], Any], labels: np.ndarray):
        super().__init__()
        self._count, self._make = count, make
        self.labels = labels
        self.error: Exception | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.slice(index)
        try:
            return self._make(index % self._count)
        except Exception as error:
            self.error = error
            raise


def evaluation_batches(
    images: Images, rows: np.ndarray, batch_size: int, converter: keras.Layer
) -> EvaluationBatches:
    """Returns batches of images and one-hot labels in order, without augmentation.

    In a distributed run every process gets the same number of full batches. They are filled up
    with images of weight 0; the weights are the third element of a batch.

    Args:
        images: The images.
        rows: The rows of `images`: in a distributed run, this process's share.
        batch_size: Images a step, in all processes together.
        converter: A layer with the `scale` and `offset` of the images.
    """
    scaling, one_hot = Scaling(converter), np.eye(len(images.class_names), dtype="float32")
    labels, weights = images.labels[rows], None
    distribution = keras.distribution.distribution()
    if distribution is not None:
        devices, processes = distribution.num_model_replicas, distribution.num_processes
        batch_size = -(-batch_size // devices) * devices
        count = int(_distribution.total(len(rows)))
        size = -(-count // batch_size) * batch_size // processes
        weights = np.zeros(size, "float32")
        # Keras divides the loss by the number of images, including those of weight 0.
        weights[: len(rows)] = size * processes / count
        rows, batch_size = np.resize(rows, size), batch_size // processes

    def make(index):
        part = slice(index * batch_size, (index + 1) * batch_size)
        try:
            x = scaling(np.stack([images[row] for row in rows[part]]))
        except UnreadableImage as error:
            raise UnreadableImage(
                f"{error}. Fix it, or leave out such images with --skip-unreadable."
            ) from None
        y = one_hot[images.labels[rows[part]]]
        return (x, y) if weights is None else (x, y, weights[part])

    return EvaluationBatches(-(-len(rows) // batch_size), make, labels)


def split_labels(batches: EvaluationBatches) -> tuple[Iterable[Any], np.ndarray]:
    """Splits evaluation batches into batches of images and an array of all labels."""
    return batches.map(lambda batch: batch[0]), batches.labels
