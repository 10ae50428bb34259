"""The sections of the study's report on batch normalization."""

import statistics

from _markdown import table
from _study_figures import (
    CHANCE,
    FAILS,
    HEADER,
    HOLDS,
    OPEN,
    median,
    row,
    runs_of,
    spread,
    top1,
    verdict,
)
from _study_nets import SEEDS, STABILITY_NETS, STABILITY_RATES, Run


def speed(results) -> str:
    """Epochs to a fixed accuracy."""
    curves = {
        name: [run["held_out_accuracy"] for run in runs_of(results, name)]
        for name in STABILITY_NETS
    }
    ends = [statistics.mean(curve[-1] for curve in curves[name]) for name in STABILITY_NETS]
    # In steps of five points, the last that both reach.
    goal = int(min(ends) * 20) / 20
    epochs = {name: [first_epoch(curve, goal) for curve in curves[name]] for name in curves}
    fewer, more = ([-value for value in epochs[name]] for name in STABILITY_NETS)
    return (
        '### "Batch normalization improves training speed"\n\n'
        f"{verdict(fewer, more)} The same block with and without batch norm, each at its best "
        f"learning rate. Epochs to {goal:.0%} of the held-out images: with "
        f"{spread(epochs['bn'], '{:.1f}'.format)}, without "
        f"{spread(epochs['bn_without_norm'], '{:.1f}'.format)}.\n\n"
        + table(
            HEADER,
            [row(results, "bn", "with"), row(results, "bn_without_norm", "without")],
        )
    )


def first_epoch(curve: list[float], goal: float) -> int:
    """The first epoch that reaches the goal; one more than there are, where none does."""
    return next((i for i, value in enumerate(curve, 1) if value >= goal), len(curve) + 1)


def stability(results) -> str:
    """The largest learning rate that trains."""
    rows, largest = [], {}
    for name, label in zip(STABILITY_NETS, ("with", "without"), strict=True):
        cells = []
        for rate in STABILITY_RATES:
            reached = [results[Run(name, rate, seed).file]["validation_top1"] for seed in SEEDS]
            cells.append(spread(reached))
            if min(reached) > 2 * CHANCE:
                largest[label] = rate
        rows.append([label, *cells])
    with_norm, without = (largest.get(label, 0) for label in ("with", "without"))
    outcome = HOLDS if with_norm > without else FAILS if with_norm < without else OPEN
    return (
        '### "… and stability"\n\n'
        f"{outcome} Top-1 by learning rate. The largest at which all seeds reach twice the "
        f"chance of {CHANCE:.0%}: with batch norm {with_norm:g}, without {without:g} (of those "
        "tried).\n\n" + table(["batch norm", *(f"{rate:g}" for rate in STABILITY_RATES)], rows)
    )


def depth(results) -> str:
    """The depth from which on only the net with batch norm trains."""
    nets = [("2", "bn"), ("6", "bn_6"), ("12", "bn_12")]
    rows, failing = [], None
    for blocks, name in nets:
        with_norm, without = (top1(results, name + end) for end in ("", "_without_norm"))
        rows.append([blocks, spread(with_norm), spread(without)])
        if failing is None and max(without) <= 2 * CHANCE:
            failing = blocks
    said = "Without batch norm all of these depths still train."
    if failing:
        said = f"Without it, no seed reaches twice the chance at {failing} blocks a stack."
    return (
        "### The depth at which training without batch norm fails\n\n"
        f"{said} Top-1, each at its best learning rate.\n\n"
        + table(["blocks a stack", "with", "without"], rows)
    )


def overhead(results) -> str:
    """Times with batch norm over those without, plain and folded."""
    times = results["timing.json"]
    steps, forwards = times["step"], times["forward"]
    bare_step, bare = steps["bn_without_norm"], forwards["bn_without_norm"]
    step, plain, folded = (
        [a / b for a, b in zip(x, y, strict=True)]
        for x, y in (
            (steps["bn"], bare_step),
            (forwards["bn"], bare),
            (forwards["bn_folded"], bare),
        )
    )
    outcome = HOLDS if statistics.median(step) > 1.02 else FAILS
    rows = [
        ["a training step", median(step)],
        ["a forward pass", median(plain)],
        ["a forward pass, folded", median(folded)],
    ]
    return (
        '### "Batch normalization adds computational overhead"\n\n'
        f"{outcome} Time of the net with batch norm over that of the same net without, batches "
        f"of {times['batch_size']}, in turns, {times['hardware']}: median with least and most.\n\n"
        + table(["", "ratio"], rows)
    )
