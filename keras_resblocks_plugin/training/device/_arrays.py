"""Images and labels on the device, and the calls of many steps that `fit` reads."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from keras_resblocks_plugin.training.data._batches import generator
from keras_resblocks_plugin.training.data._labelled_images import ImageSet

# The stream of random numbers that orders the images; `data._training` has the first three.
_ORDER = 3
# The most steps a call, and the fewest that are worth a number that divides the epoch.
_MOST_STEPS, _FEWEST_STEPS = 50, 10


def steps_per_call(steps_per_epoch: int) -> int:
    """Returns how many steps one call takes; the last of an epoch may take fewer."""
    # A number that divides the epoch spares the compilation of a shorter call.
    divisor = max(k for k in range(1, _MOST_STEPS + 1) if steps_per_epoch % k == 0)
    return divisor if divisor >= _FEWEST_STEPS else min(_MOST_STEPS, steps_per_epoch)


class DeviceCalls:
    """Endless arguments of `DeviceTraining.train_step`, each made from its first step alone.

    Args:
        images: The decoded images and their labels, which are copied to the device.
        batch_size: Images a step.
        repeats: How often a batch has each of its images.
        seed: The seed of the order.
        steps_per_epoch: Steps an epoch. No call reaches into the next one.
    """

    def __init__(
        self, images: ImageSet, batch_size: int, repeats: int, seed: int, steps_per_epoch: int
    ):
        self._arrays = jax.device_put((images.images, images.labels))
        self._count, self._seed = len(images), seed
        self._batch_size, self._repeats = batch_size, repeats
        self._epoch, self.steps_per_call = steps_per_epoch, steps_per_call(steps_per_epoch)
        # Calls read on across the end of a pass.
        self._pass = functools.lru_cache(maxsize=2)(self._new_pass)

    def starting_at(self, step: int) -> Iterator[tuple[Any, jax.Array, jax.Array]]:
        """Yields the indices of each call's steps, and every time the same two arrays.

        Indices are the `"steps"`, of shape `(steps,)`, and the `"rows"` of their images, of shape
        `(steps, batch)`.
        """
        while True:
            done = step % self._epoch
            # As Keras counts the calls of an epoch, also of one that resumes.
            count = min(self.steps_per_call, self._epoch - done)
            steps = np.arange(step, step + count, dtype="int32")
            rows = np.stack([self.rows(x) for x in steps])
            yield {"steps": steps, "rows": rows}, *self._arrays
            step += count

    def rows(self, step: int) -> np.ndarray:
        """Returns the rows of a step: shuffled, and again in each pass over the images."""
        # Not by `endless_order`: it reads row by row, which is slower than the device trains.
        size = -(-self._batch_size // self._repeats)
        passes, places = np.divmod(np.arange(int(step) * size, (int(step) + 1) * size), self._count)
        parts = [self._pass(x)[places[passes == x]] for x in range(passes[0], passes[-1] + 1)]
        return np.repeat(np.concatenate(parts), self._repeats)[: self._batch_size]

    def _new_pass(self, index: int) -> np.ndarray:
        return generator(self._seed, _ORDER, index).permutation(self._count).astype("int32")
