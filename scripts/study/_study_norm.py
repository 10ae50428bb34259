"""The sections of the study's report on batch normalization."""

import statistics

from _study_figures import (
    CHANCE,
    HEADER,
    Results,
    accuracy,
    rate,
    row,
    runs_of,
    spread,
    top1,
    verdict,
    verdict_on_times,
)
from _study_nets import SEEDS, STABILITY_NETS, STABILITY_RATES, Run

from keras_resblocks_plugin._utils._markdown import table
from keras_resblocks_plugin._utils._timing import ratios
from keras_resblocks_plugin._utils._timing import spread as spread_of_times


def speed(results: Results) -> str:
    """Epochs to a fixed accuracy."""
    epochs = results["study.json"]["epochs"]
    curves = [
        [run["held_out_accuracy"] for run in runs_of(results, name)] for name in STABILITY_NETS
    ]
    # In steps of five points, the last that both reach in the mean of their seeds.
    ends = [statistics.mean(curve[-1] for curve in of_net) for of_net in curves]
    goal = int(min(ends) * 20) / 20
    with_norm, without = ([first_epoch(c, goal, epochs) for c in of_net] for of_net in curves)
    both = with_norm + without
    never = sum(value > epochs for value in both)
    count = f"; {never} of the {len(both)} runs never reach it, and count as {epochs + 1}"
    return (
        '### Batch normalization "improves training speed …\n\n'
        f"{verdict([-x for x in with_norm], [-x for x in without])} The same block with and "
        f"without batch norm. Epochs to {goal:.0%} accuracy on the held-out images, which both "
        f"reach: {spread(with_norm, '{:.1f}'.format)} with, "
        f"{spread(without, '{:.1f}'.format)} without{count if never else ''}. These images also "
        "chose the learning rates.\n\n"
        + table(
            HEADER,
            [row(results, "bn", "with"), row(results, "bn_without_norm", "without")],
        )
    )


def first_epoch(curve: list[float], goal: float, epochs: int) -> int:
    """The first epoch that reaches the goal; `epochs + 1` where none does."""
    return next((i for i, value in enumerate(curve, 1) if value >= goal), epochs + 1)


def stability(results: Results) -> str:
    """The largest learning rate that trains."""
    rows, largest = [], []
    for name, label in zip(STABILITY_NETS, ("with", "without"), strict=True):
        by_rate = [[results[Run(name, x, s).file] for s in SEEDS] for x in STABILITY_RATES]
        rows.append([label, *map(accuracy, by_rate)])
        largest.append(
            [
                max((run["rate"] for run in of_seed if _trains(run["validation_top1"])), default=0)
                for of_seed in zip(*by_rate, strict=True)
            ]
        )
    with_norm, without = (", ".join(f"{x:g}" for x in sorted(of_net)) for of_net in largest)
    return (
        '### … and stability"\n\n'
        f"{verdict(*largest)} Top-1 by learning rate. The largest rate at which a seed ends above "
        f"twice the chance level of {CHANCE:.0%}: {with_norm} with batch norm, {without} without."
        "\n\n" + table(["batch norm", *(f"{x:g}" for x in STABILITY_RATES)], rows)
    )


def depth(results: Results) -> str:
    """The depth from which on only the net with batch norm trains."""
    rows, failing = [], []
    for blocks, name in ((2, "bn"), (6, "bn_6"), (12, "bn_12")):
        nets = (name, f"{name}_without_norm")
        cells = [(accuracy(runs), rate(runs)) for runs in (runs_of(results, x) for x in nets)]
        rows.append([str(blocks), *cells[0], *cells[1]])
        trained = [[_trains(value) for value in top1(results, x)] for x in nets]
        if all(trained[0]) and not any(trained[1]):
            failing.append(blocks)
        elif not all(trained[1]):
            rows[-1][0] += f" ({trained[1].count(False)} of {len(SEEDS)} seeds fail without)"
    said = (
        f"From {failing[0]} blocks a stack, every seed fails without it, and none fails with it."
        if failing
        else "None of these: at each depth, some seed trains without it, or some fails with it."
    )
    return (
        "### The depth at which training without batch norm fails\n\n"
        f"{said} A run fails if it ends below twice the chance level of {CHANCE:.0%}.\n\n"
        + table(["blocks a stack", "with: top-1", "rate", "without: top-1", "rate"], rows)
    )


def _trains(reached: float) -> bool:
    return reached > 2 * CHANCE


def overhead(results: Results) -> str:
    """Times with batch norm over those without, plain and folded."""
    times = results["timing.json"]
    steps, forwards = times["step"], times["forward"]
    step = ratios(steps["bn"], steps["bn_without_norm"])
    plain, folded = (
        ratios(forwards[name], forwards["bn_without_norm"]) for name in ("bn", "bn_folded")
    )
    return (
        '### Batch normalization "adds overhead"\n\n'
        f"In training: {verdict_on_times(step)} In a forward pass: {verdict_on_times(plain)} In a "
        f"forward pass with the norm folded into the convolutions: {verdict_on_times(folded)} The "
        "ratio is the time of the network with batch norm divided by the time without: median, "
        f"minimum and maximum of {len(step)} rounds, in which the networks take turns at batches "
        f"of {times['batch_size']}, on {times['hardware']}. A claim about times holds if three "
        "quarters of the rounds agree.\n\n"
        + table(
            ["", "ratio"],
            [
                ["a training step", spread_of_times(step)],
                ["a forward pass", spread_of_times(plain)],
                ["a forward pass, folded", spread_of_times(folded)],
            ],
        )
    )
