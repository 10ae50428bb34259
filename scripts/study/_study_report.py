"""The sections of the report that say which of the tutorial's claims held."""

import statistics
from collections.abc import Mapping
from typing import Any

import _study_norm
from _study_figures import (
    FAILS,
    HEADER,
    HOLDS,
    NotYet,
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
from _study_nets import NETS, RATES, SEEDS, Run

from keras_resblocks_plugin._utils._markdown import table
from keras_resblocks_plugin._utils._timing import ratios
from keras_resblocks_plugin._utils._timing import spread as spread_of_times

# More than this share of dead units is called dying.
_DYING = 0.01


def study_introduction(results: Mapping[str, Any]) -> str:
    """What was trained, on what, and for how long."""
    runs = [result for result in results.values() if "net" in result]
    hours = sum(run["seconds"] for run in runs) / 3600
    of = results["study.json"]
    followers = ", ".join(
        f"`{name}` that of `{net.rate_of}`" for name, net in NETS.items() if net.rate_of
    )
    return (
        f"{len(runs)} runs of {len({run['net'] for run in runs})} of {len(NETS)} small nets, "
        f"{hours:.1f} hours on {runs[0]['hardware']}: three stacks on {of['classes']} of the "
        f"classes of {of['data']}, {of['train_images']:,} images at {of['image_size']}×"
        f"{of['image_size']} pixels, {of['epochs']} epochs. Every net is tried at the learning "
        f"rates {', '.join(f'{x:g}' for x in RATES)} with the first of {len(SEEDS)} seeds, and "
        f"takes the one that names most of {of['held_out_images']:,} images right that are held "
        "out of the training split; some that cost much take another's, "
        f"{followers}. Top-1 is that on {of['validation_images']:,} validation images: mean of "
        "the seeds, least and most in brackets. Unless another rule is given, a claim holds where "
        "the worst seed of the one side is above the best of the other, and does not where it is "
        "the other way round. Of equal nets, one pair in ten would get one or the other by chance."
    )


def study_sections(results: Mapping[str, Any]) -> list[str]:
    """One section a claim, of those whose runs are all there.

    Args:
        results: What `study.py` wrote, by file.
    """
    sections = []
    for write in (
        _study_norm.speed,
        _study_norm.stability,
        _study_norm.depth,
        _study_norm.overhead,
        _expansion,
        _dying,
        _direct,
        _shortcut,
    ):
        try:
            sections.append(write(Results(results)))
        except NotYet:
            continue
    return sections


def _expansion(results: Results) -> str:
    wide, narrow = (top1(results, name) for name in ("expanded_wide", "expanded"))
    bare, between = (top1(results, name) for name in ("act", "bn_without_norm"))
    step = results["timing.json"]["step"]
    slower = ratios(step["expanded_wide"], step["act"])
    return (
        '### Expanding and contracting "allows more complex representations …\n\n'
        "If they show in the accuracy, at equal width: "
        f"{verdict(wide, bare)} At equal compute: {verdict(narrow, bare)} Both against `act`, "
        "whose two convolutions have no ReLU between them. Against two that have one, as the "
        f"expanded block has: at equal width, {verdict(wide, between)} At equal compute, "
        f"{verdict(narrow, between)}\n\n"
        '### … at the expense of computation"\n\n'
        f"{verdict_on_times(slower)} At equal width, a training step takes "
        f"{spread_of_times(slower)} times that of `act`.\n\n"
        + table(
            HEADER,
            [
                row(results, "expanded_wide", "`expanded`, equal width"),
                row(results, "expanded", "`expanded`, equal compute"),
                row(results, "act", "`act`"),
                row(results, "bn_without_norm", "`bn` without norm: a ReLU between"),
            ],
        )
    )


def _dying(results: Results) -> str:
    rows, dying, in_the_mean, most = [], [], [], 0.0
    for name in ("basic", "act", "bn", "expanded", "identity", "preact", "bn_without_norm"):
        # Of a net of NaN nothing is zero.
        runs = [run for run in runs_of(results, name) if not run["diverged"]]
        means = [_dead(run) for run in runs] or [0.0]
        if min(means) > _DYING:
            dying.append(f"`{name}`")
        elif statistics.mean(means) > _DYING:
            in_the_mean.append(f"`{name}`")
        by_block = [
            f"{statistics.mean(shares):.0%}"
            for shares in zip(*(run["dead_units"].values() for run in runs), strict=True)
        ]
        tried = [results[Run(name, x, SEEDS[0]).file] for x in RATES]
        worst = max(tried, key=_dead)
        most = max(most, _dead(worst))
        rows.append(
            [
                f"`{name}`",
                rate(runs_of(results, name)),
                spread(means),
                " ".join(by_block),
                f"{_dead(worst):.0%} at {worst['rate']:g}",
            ]
        )
    said = f"{FAILS} At its best learning rate, no net loses units."
    if dying:
        said = f"{HOLDS} At their best learning rates, {', '.join(dying)} lose units."
    if in_the_mean:
        said += f" By the mean of the seeds, {', '.join(in_the_mean)} would count, too."
    if most > _DYING:
        said += " At others, the last column shows what may be lost."
    return (
        '### "Dying ReLU"\n\n'
        f"{said} A unit is a channel behind a ReLU, and dead where it is zero at every place of "
        "256 held-out images after training; a net loses units where in every seed more than "
        f"{_DYING:.0%} of them are dead, in the mean of its blocks (those of `identity` have a "
        "ReLU of their own). Then each block's share, from the first to the last; and where most "
        "are dead, of all rates, with the first seed.\n\n"
        + table(["net", "learning rate", "all blocks", "by block", "most, of all rates"], rows)
    )


def _dead(run: dict) -> float:
    return statistics.mean(run["dead_units"].values())


def _direct(results: Results) -> str:
    act = top1(results, "act")
    shallow, deep, linear = (
        top1(results, name) for name in ("identity_shallow", "identity", "identity_linear")
    )
    times = results["timing.json"]
    nets = ("identity_shallow", "identity")
    steps, forwards = (
        [ratios(times[kind][name], times[kind]["act"]) for name in nets]
        for kind in ("step", "forward")
    )
    # The claim is that the ratio is below one.
    fast = [verdict_on_times([1 / x for x in step]) for step in steps]
    return (
        '### The direct connection\'s "fast computation", and what it lacks\n\n'
        f"Fast, block by block: {fast[0]} A training step takes {spread_of_times(steps[0])} and a "
        f"forward pass {spread_of_times(forwards[0])} times that of `act`. At equal compute, with "
        f"twice the blocks: {fast[1]} {spread_of_times(steps[1])} and "
        f"{spread_of_times(forwards[1])} times. It lacks accuracy at equal depth: "
        f"{verdict(act, shallow)} At equal compute: {verdict(act, deep)} As the tutorial writes "
        "it, without an activation, a stack of these blocks is linear. That a ReLU after the sum "
        f"mends this: {verdict(deep, linear)} Where the shape changes, all of these nets "
        "project.\n\n"
        + table(
            HEADER,
            [
                row(results, "identity", "`identity` with ReLU, equal compute"),
                row(results, "identity_shallow", "`identity` with ReLU, equal depth"),
                row(results, "identity_linear", "`identity` as in the tutorial"),
                row(results, "act", "`act`"),
            ],
        )
    )


def _shortcut(results: Results) -> str:
    rows = []
    for block_type in ("act", "bn"):
        for blocks in (2, 6):
            nets = [f"{block_type}_{blocks}_{x}" for x in ("shortcut", "plain")]
            cells = [
                cell
                for runs in (runs_of(results, name) for name in nets)
                for cell in (accuracy(runs), rate(runs))
            ]
            claim = verdict(*(top1(results, name) for name in nets))
            rows.append([f"`{block_type}`, {blocks}", *cells, claim])
    header = ["block, blocks a stack", "with: top-1", "rate", "without: top-1", "rate", "claim"]
    return (
        "### What the residual connection itself does\n\n"
        "The same nets with the shortcut and with the residual branch alone, neither with weights "
        "in the shortcut. The claim: with it is better.\n\n" + table(header, rows)
    )
