"""The section of a report that shows how the strategies of fine-tuning compare."""

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from _records import which_weights

from keras_resblocks_plugin._utils._markdown import table

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

_NAMES = {
    "scratch": "from scratch",
    "linear": "`linear`: the head",
    "norm": "`norm`: scales, shifts, head",
    "lora": "`lora`: low-rank additions, head",
    "full": "`full`: everything",
}


def finetuning_section(results: Mapping[str, Any]) -> tuple[str, Figure]:
    """Returns a table of the results with the method, and a plot.

    Args:
        results: The contents of the file of `compare_finetuning.py`.
    """
    accuracies = _accuracies(results["runs"])
    rates = {(run["strategy"], run["images"]): run["learning_rate"] for run in results["runs"]}
    images = sorted({count for _, count in accuracies})
    strategies = [name for name in _NAMES if (name, images[0]) in accuracies]
    header = ["what learns", *(f"{count} images a class" for count in images)]
    rows = [
        [_NAMES[strategy], *(_cell(accuracies[strategy, count]) for count in images)]
        for strategy in strategies
    ]
    steps = {run["images"]: run["steps"] for run in results["runs"]}
    seeds = len({run["seed"] for run in results["runs"]})
    choice = results["choices"][0]
    rates = "; ".join(
        f"{strategy} {', '.join(f'{rates[strategy, count]:g}' for count in images)}"
        for strategy in strategies
    )
    tried = sorted({run["images"] for run in results["choices"]})
    text = (
        f"Top-1 accuracy on the validation images of {results['data']}, classes that "
        f"`{results['preset']}` was not trained on: the mean of {seeds} seeds, with the minimum "
        "and maximum in brackets. Each seed draws other images, initial weights and batches. "
        f"Within a column, all runs take the same number of steps of {results['batch_size']} "
        f"images: {', '.join(f'{steps[count]} for {count} images a class' for count in images)}. "
        f"Learning rates of AdamW, column by column: {rates}. Each is the best of "
        f"{len(results['choices']) // len(strategies) // len(tried)} by accuracy on "
        f"{choice['held_out']} images a class held out of the training split, after training on "
        f"{' or '.join(map(str, tried))} images a class (the last is also used for more). The head "
        "of `linear` is trained on the features of the images and of their mirror images; the "
        "other strategies flip and shift the images at random. "
        f"{results['hardware']}. {which_weights(results['preset'], results['weights'])}"
        f"\n\n{table(header, rows)}"
    )
    return text, _plot(accuracies, strategies, images)


def other_preset(results: Mapping[str, Any]) -> str:
    """The same measurement of another preset, in a sentence for each strategy."""
    accuracies = _accuracies(results["runs"])
    images = sorted({count for _, count in accuracies})
    reached = [
        f"{_NAMES[strategy]}: "
        + ", ".join(
            f"{_cell(accuracies[strategy, count])} with {count} images a class" for count in images
        )
        for strategy in _NAMES
        if (strategy, images[0]) in accuracies
    ]
    weights = which_weights(results["preset"], results["weights"])
    return f"`{results['preset']}`, measured in the same way. {'; '.join(reached)}. {weights}"


def _accuracies(runs) -> dict[tuple[str, int], list[float]]:
    accuracies = {}
    for run in runs:
        key = run["strategy"], run["images"]
        accuracies.setdefault(key, []).append(run["validation_top1"])
    return accuracies


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.1%} [{min(values):.1%}, {max(values):.1%}]"


def _plot(accuracies, strategies, images) -> Figure:
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for strategy in strategies:
        values = [accuracies[strategy, count] for count in images]
        means = np.array([np.mean(v) for v in values])
        spread = np.abs([[min(v) for v in values], [max(v) for v in values]] - means)
        axes.errorbar(images, means, spread, label=strategy, marker="o", capsize=3)
    axes.set(
        xlabel="images a class", ylabel="top-1 accuracy", xscale="log", xticks=images, ylim=(0, 1)
    )
    axes.set_xticks(images, [str(count) for count in images])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
