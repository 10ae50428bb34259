"""Endless batches for `fit`, each of which is made from the number of its step alone.

A run therefore continues at any step with the batches that an uninterrupted run would see, and
whatever Keras reads ahead and drops changes nothing.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import grain
import keras
import numpy as np

# The most threads that make batches, and the most memory of the batches that wait.
_THREADS = 16
_WAITING_BYTES = 1 << 30


def generator(seed: int, stream: int, index: int) -> np.random.Generator:
    """Returns a generator that depends on its arguments alone.

    Args:
        seed: The seed of the run.
        stream: The kind of what is drawn: other kinds draw other numbers.
        index: The index of an image among all images of all epochs, or of a step.
    """
    key, counter = ([seed, stream], [0, 0, 0, index])
    return np.random.Generator(
        np.random.Philox(key=np.array(key, "uint64"), counter=np.array(counter, "uint64"))
    )


def endless_order(rows: np.ndarray, seed: int, batch_size: int) -> grain.MapDataset:
    """Returns the rows of each step: shuffled, and again in each epoch."""
    order = grain.MapDataset.source(rows).seed(seed % 2**32).shuffle().repeat()
    return order.batch(batch_size)


class Batches:
    """Endless batches for `fit`.

    Args:
        make: A function from the number of a step to its batch of NumPy arrays. Threads call it.
        finish: A function of a made batch that is called for one batch at a time, such as a
            conversion to floats, of which fewer would fit in the memory of waiting batches.
    """

    def __init__(self, make: Callable[[int], Any], finish: Callable[[Any], Any] = lambda x: x):
        self._make = make
        self._finish = finish
        self.error: Exception | None = None

    def starting_at(self, step: int) -> grain.IterDataset:
        """Returns the batches from a step on, read ahead by a few threads."""
        # Of the first batch, which `fit` reads several times anyway.
        size = sum(array.nbytes for array in keras.tree.flatten(self._made(step)))
        threads = min(_THREADS, os.cpu_count() or 1)
        options = grain.ReadOptions(
            num_threads=threads,
            prefetch_buffer_size=max(2, min(threads + 2, _WAITING_BYTES // size)),
        )
        steps = grain.MapDataset.range(step, sys.maxsize).map(self._made)
        return steps.to_iter_dataset(options).map(self._finish)

    def _made(self, step: int) -> Any:
        try:
            return self._make(int(step))
        except Exception as error:
            self.error = error
            raise


@contextlib.contextmanager
def own_errors(*batches: Any) -> Iterator[None]:
    """Context that raises the errors of reading as they were, without the backend's wrapping."""
    try:
        yield
    except Exception as error:
        for source in batches:
            own = getattr(source, "error", None)
            if own is not None and own is not error:
                raise own from None
        raise
