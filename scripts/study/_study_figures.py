"""The verdicts, spreads and rows of tables in the study's report."""

import statistics
from collections.abc import Callable

from _study_nets import RATES, SEEDS, Run, best_rate

CHANCE = 1 / 20
HOLDS, FAILS, OPEN = "**It holds.**", "**It does not hold here.**", "**Undecided here.**"
HEADER = ["net", "parameters", "multiply-adds", "learning rate", "top-1"]
_EDGES = {min(RATES): " (smallest tried)", max(RATES): " (largest tried)"}


class NotYet(LookupError):
    """A run that a section needs, or the times, are not there yet."""


class Results(dict):
    """The files of `study.py`, by name."""

    def __missing__(self, file: str):
        raise NotYet(file)


def verdict(better: list[float], worse: list[float]) -> str:
    """The verdict by seeds: all of one net must be above all of the other."""
    if min(better) > max(worse):
        return HOLDS
    return FAILS if max(better) < min(worse) else OPEN


def verdict_on_times(ratios: list[float]) -> str:
    """The verdict by times: a ratio must be above one in three quarters of the rounds."""
    lower, _, upper = statistics.quantiles(ratios, n=4)
    if lower > 1:
        return HOLDS
    return FAILS if upper < 1 else OPEN


def spread(values: list[float], form: Callable[[float], str] = "{:.1%}".format) -> str:
    """The mean, with the least and the most."""
    low, mean, high = (form(f(values)) for f in (min, statistics.mean, max))
    return f"{mean} [{low}, {high}]"


def runs_of(results: Results, name: str) -> list[dict]:
    """The runs of a net at its best rate, one a seed."""
    rate = best_rate(name, results)
    return [results[Run(name, rate, seed).file] for seed in SEEDS]


def top1(results: Results, name: str) -> list[float]:
    """Their accuracies on the validation images."""
    return [run["validation_top1"] for run in runs_of(results, name)]


def accuracy(runs: list[dict]) -> str:
    """The spread of runs' accuracies on the validation images, and how many ended in NaN."""
    diverged = sum(run["diverged"] for run in runs)
    text = spread([run["validation_top1"] for run in runs])
    return f"{text}, {diverged} diverged" if diverged else text


def rate(runs: list[dict]) -> str:
    """The learning rate of runs, and whether it is at the edge of those that were tried."""
    return f"{runs[0]['rate']:g}{_EDGES.get(runs[0]['rate'], '')}"


def row(results: Results, name: str, label: str) -> list[str]:
    """A row of a table with `HEADER`."""
    runs = runs_of(results, name)
    return [
        label,
        f"{runs[0]['parameters'] / 1e3:.0f} k",
        f"{runs[0]['multiply_adds'] / 1e6:.1f} M",
        rate(runs),
        accuracy(runs),
    ]
