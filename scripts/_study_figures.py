"""What the sections of the study's report share: verdicts, spreads, and rows of tables."""

import statistics
from collections.abc import Callable

from _study_nets import SEEDS, Run, best_rate

CHANCE = 1 / 20
HOLDS, FAILS, OPEN = "**It holds.**", "**It does not hold here.**", "**The seeds do not decide.**"
HEADER = ["net", "parameters", "multiply-adds", "learning rate", "top-1"]


def verdict(better: list[float], worse: list[float]) -> str:
    """Whether every seed of the one is above every seed of the other, or the other way round."""
    if min(better) > max(worse):
        return HOLDS
    return FAILS if max(better) < min(worse) else OPEN


def spread(values: list[float], form: Callable[[float], str] = "{:.1%}".format) -> str:
    """The mean, with the least and the most."""
    low, mean, high = (form(f(values)) for f in (min, statistics.mean, max))
    return f"{mean} [{low}, {high}]"


def median(values: list[float]) -> str:
    """The median, with the least and the most."""
    return f"{statistics.median(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


def runs_of(results, name: str) -> list[dict]:
    """The runs of a net at its best rate, one a seed."""
    rate = best_rate(name, results)
    return [results[Run(name, rate, seed).file] for seed in SEEDS]


def top1(results, name: str) -> list[float]:
    """Their accuracies on the validation images."""
    return [run["validation_top1"] for run in runs_of(results, name)]


def row(results, name: str, label: str) -> list[str]:
    """A row of a table with `HEADER`."""
    runs = runs_of(results, name)
    return [
        label,
        f"{runs[0]['parameters'] / 1e3:.0f} k",
        f"{runs[0]['multiply_adds'] / 1e6:.1f} M",
        f"{runs[0]['rate']:g}",
        spread(top1(results, name)),
    ]
