"""Images a second in batches of 1, 2, 4, … until larger ones bring no gain."""

import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_resblocks_plugin._utils._timing import alternate, median_and_range
from keras_resblocks_plugin.export._runners import Runner

# The time for one size of batches, of all networks together.
_SECONDS = 1.5
_FEWEST_RUNS = 3
# What the backends' errors say.
_OUT_OF_MEMORY = ("resource_exhausted", "out of memory", "oom", "not enough memory", "bad_alloc")


def measure_rates(
    runners: dict[str, Runner], image_size: int, runs: int, largest_batch: int
) -> dict[str, dict[str, Any]]:
    """Times networks alternately, in batches of growing size.

    Args:
        runners: dict from names to functions of images.
        image_size: int. The side of the images, in pixels.
        runs: int. How often to time each batch at most.
        largest_batch: int. The largest batch to try.

    Returns:
        By name, the figures of `one_image` and of the `best_batch`: `batch_size`,
        `milliseconds` a batch and `images_a_second`.
    """
    generator = np.random.default_rng(0)
    seconds, growing, size = {name: {} for name in runners}, dict(runners), 1
    while growing and size <= largest_batch:
        shape = (size, image_size, image_size, 3)
        images = generator.uniform(-1, 1, shape).astype("float32")
        actions = {name: functools.partial(run, images) for name, run in growing.items()}
        # The first call compiles.
        fitting = {name: action for name, action in actions.items() if size == 1 or _fits(action)}
        for name, values in alternate(fitting, _affordable(fitting, runs)).items():
            seconds[name][size] = values
        # One disturbed measurement does not end the search.
        growing = {name: runners[name] for name in fitting if 2 * _best(seconds[name])[0] >= size}
        size *= 2
    return {
        name: {"one_image": _figures(1, sizes[1]), "best_batch": _figures(*_best(sizes))}
        for name, sizes in seconds.items()
    }


def _fits(action: Callable[[], object]) -> bool:
    """Runs a batch, and returns whether there was enough memory for it."""
    try:
        action()
    except Exception as error:
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(words in text for words in _OUT_OF_MEMORY):
            return False
        raise
    return True


def _affordable(actions: dict[str, Callable[[], object]], runs: int) -> int:
    """The number of rounds for which there is time: after a compiling round, one is timed."""
    for action in actions.values():
        action()
    start = time.perf_counter()
    for action in actions.values():
        action()
    rounds = int(_SECONDS / (time.perf_counter() - start + 1e-9))
    return max(min(runs, _FEWEST_RUNS), min(runs, rounds))


def _best(sizes: dict[int, list[float]]) -> tuple[int, list[float]]:
    """The batch size with the most images a second, and its times."""
    return max(sizes.items(), key=lambda item: item[0] / statistics.median(item[1]))


def _figures(size: int, seconds: list[float]) -> dict[str, Any]:
    return {
        "batch_size": size,
        "milliseconds": median_and_range([1000 * value for value in seconds]),
        "images_a_second": median_and_range([size / value for value in seconds], 1),
    }
