"""The batches that classifiers train on."""

import keras
import numpy as np

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data._batches import Batches, endless_order, generator
from keras_resblocks_plugin.training.data._scaling import Scaling
from keras_resblocks_plugin.training.data._sources import Images, Replacements
from keras_resblocks_plugin.training.data.augmentation import (
    apply_mix,
    image_augmentation,
    mixing_plan,
)

# Streams of random numbers.
_AUGMENTATION, _MIXING, _REPLACEMENT = range(3)


class AugmentedBatches:
    """Shuffled, augmented and mixed batches, each made from the seed and its step alone.

    Everything random is chosen for the batch of all processes, before this process takes its
    share. So the processes together train on the batches of a single one.

    Args:
        images: The images, of all processes.
        rows: The rows of `images` to train on.
        batch_size: Images a step, in all processes together.
        augmentation: Random changes of the images.
        image_size: The height and width of the augmented images.
        seed: The seed of order and augmentation.
        steps: The number of steps of the whole run, on which an augmentation may depend.
        max_unreadable: How many images may be unreadable. `None` for any number.
        place: The index of this process, and the number of processes. Defaults to `None`: those
            of the run.
    """

    def __init__(
        self,
        images: Images,
        rows: np.ndarray,
        batch_size: int,
        augmentation: Augmentation,
        image_size: tuple[int, int],
        seed: int,
        steps: int | None = None,
        max_unreadable: int | None = 0,
        place: tuple[int, int] | None = None,
    ):
        self._reader = Replacements(images, max_unreadable)
        self._classes = len(images.class_names)
        self._rows, self._batch_size, self._seed, self._steps = rows, batch_size, seed, steps
        self._augmentation = augmentation
        self._augment = image_augmentation(augmentation, image_size)
        # An image may be several times in a batch, every time with other changes.
        self._repeats = augmentation.repeated_augmentation
        self._order = endless_order(rows, seed, -(-batch_size // self._repeats))
        self._place = place or _distribution.place()

    def __call__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Makes this process's share of a batch: images, not scaled, and one-hot labels."""
        process, processes = self._place
        # In this order all processes' shares are the batch of a single one, so dropout, too, drops
        # the same of each image.
        share = self._batch_size // processes
        own = np.arange(process * share, (process + 1) * share)
        plan = mixing_plan(
            self._batch_size, self._augmentation, generator(self._seed, _MIXING, step)
        )
        # This process may need an image that another one trains on.
        needed = np.union1d(own, plan.partners[own]) if plan.mixes else own
        rows = np.repeat(self._order[step], self._repeats)
        progress = min(1.0, step / self._steps) if self._steps else 0.0
        made = [self._make(step * self._batch_size + k, rows[k], progress) for k in needed]
        images = np.stack([pixels for pixels, _ in made])
        labels = np.eye(self._classes, dtype="float32")[[label for _, label in made]]
        if not plan.mixes:
            return images, labels
        mine, theirs = (np.searchsorted(needed, x) for x in (own, plan.partners[own]))
        return apply_mix(images[mine], labels[mine], images[theirs], labels[theirs], plan, own)

    def _make(self, index: int, row: int, progress: float) -> tuple[np.ndarray, np.integer]:
        def new_rng(stream):
            return generator(self._seed, stream, index)

        picture, label = self._reader.read(row, self._rows, lambda: new_rng(_REPLACEMENT))
        return self._augment(picture, new_rng(_AUGMENTATION), progress), label


def new_training_batches(
    images: Images,
    rows: np.ndarray,
    batch_size: int,
    augmentation: Augmentation,
    converter: keras.Layer,
    seed: int,
    image_size: tuple[int, int] | None = None,
    **options,
) -> Batches:
    """Creates endless shuffled, augmented and scaled batches of images and one-hot labels.

    Args:
        images: The images, of all processes.
        rows: The rows of `images` to train on.
        batch_size: Images a step, in all processes together.
        augmentation: Random changes of the images.
        converter: A layer with the `scale` and `offset` of the augmented images.
        seed: The seed of order and augmentation.
        image_size: The height and width of the augmented images. Defaults to `None`: those of
            the images.
        **options: The other arguments of `AugmentedBatches`.
    """
    scaling = Scaling(converter)
    size = image_size or images[rows[0]].shape[:2]
    make = AugmentedBatches(images, rows, batch_size, augmentation, size, seed, **options)
    return Batches(make, lambda batch: (scaling(batch[0]), *batch[1:]))
