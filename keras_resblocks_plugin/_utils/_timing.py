"""Alternating timing of several functions, so that a disturbance affects all of them."""

import statistics
import time
from collections.abc import Callable


def alternate(
    actions: dict[str, Callable[[], object]],
    runs: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """The seconds of each action in each of `runs` rounds, after a warm-up round."""
    seconds = {name: [] for name in actions}
    for run in range(runs + 1):
        for name, action in actions.items():
            start = clock()
            action()
            if run > 0:
                seconds[name].append(clock() - start)
    return seconds


def ratios(numerators: list[float], denominators: list[float]) -> list[float]:
    """The ratio in each round, which does not change if a whole round is slower."""
    return [a / b for a, b in zip(numerators, denominators, strict=True)]


def median_and_range(values: list[float], digits: int = 3) -> dict[str, float]:
    """The median, the least and the most, rounded, as records have them."""
    figures = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: round(value, digits) for name, value in figures.items()}


def spread(values: list[float], unit: str = "", digits: int = 2) -> str:
    """The median, with the minimum and the maximum."""
    least, median, most = (
        f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values))
    )
    return f"{median}{unit} [{least}, {most}]"
