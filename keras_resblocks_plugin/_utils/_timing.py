"""Times of things that are compared: in turns, so that what disturbs one disturbs all."""

import statistics
import time
from collections.abc import Callable


def alternate(actions: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """The seconds of each action in each of `runs` rounds, after one that is not counted."""
    seconds = {name: [] for name in actions}
    for run in range(runs + 1):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            if run > 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratios(numerators: list[float], denominators: list[float]) -> list[float]:
    """The ratio of each round: what slows a whole round down leaves it as it is."""
    return [a / b for a, b in zip(numerators, denominators, strict=True)]


def spread(values: list[float], unit: str = "", digits: int = 2) -> str:
    """The median, with the least and the most."""
    least, median, most = (
        f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values))
    )
    return f"{median}{unit} [{least}, {most}]"
