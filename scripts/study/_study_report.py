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
    """The data, the schedule and the learning rates of the study."""
    runs = [result for result in results.values() if "net" in result]
    hours = sum(run["seconds"] for run in runs) / 3600
    of = results["study.json"]
    followers = ", ".join(
        f"`{name}` that of `{net.rate_of}`" for name, net in NETS.items() if net.rate_of
    )
    return (
        f"{len(runs)} runs of {len({run['net'] for run in runs})} of {len(NETS)} small networks, "
        f"{hours:.1f} hours on {runs[0]['hardware']}: three stacks, trained on {of['classes']} of "
        f"the classes of {of['data']}, {of['train_images']:,} images at {of['image_size']}×"
        f"{of['image_size']} pixels, for {of['epochs']} epochs. Each network is trained at the "
        f"learning rates {', '.join(f'{x:g}' for x in RATES)} with the first of {len(SEEDS)} "
        f"seeds. The rate with the best accuracy on {of['held_out_images']:,} images held out of "
        "the training split is used for all seeds. Some expensive networks use the rate of "
        "another: "
        f"{followers}. Top-1 accuracy is measured on {of['validation_images']:,} validation "
        "images: the mean of the seeds, with the minimum and maximum in brackets. Unless another "
        "rule is given, a claim holds where the worst seed of one side is above the best seed of "
        "the other, and does not hold in the opposite case. Between equal networks, one pair in "
        "ten would get one of these verdicts by chance."
    )


def study_sections(results: Mapping[str, Any]) -> list[str]:
    """One section a claim, of those whose runs are all there.

    Args:
        results: The files of `study.py`, by name.
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
        f"Higher accuracy than `act`, at equal width: {verdict(wide, bare)} At equal compute: "
        f"{verdict(narrow, bare)} The two convolutions of `act` have no ReLU between them, those "
        "of the expanded block do. Compared with two convolutions that have one, at equal width: "
        f"{verdict(wide, between)} At equal compute: {verdict(narrow, between)}\n\n"
        '### … at the expense of computation"\n\n'
        f"{verdict_on_times(slower)} At equal width, a training step takes "
        f"{spread_of_times(slower)} times as long as one of `act`.\n\n"
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
    said = f"{FAILS} At its best learning rate, no network loses units."
    if dying:
        said = f"{HOLDS} At their best learning rates, {', '.join(dying)} lose units."
    if in_the_mean:
        said += f" By the mean of the seeds, {', '.join(in_the_mean)} would count too."
    if most > _DYING:
        said += " The last column shows what is lost at other rates."
    return (
        '### "Dying ReLU"\n\n'
        f"{said} A unit is a channel after a ReLU. It is dead if it is zero at every position of "
        f"256 held-out images after training. A network loses units if more than {_DYING:.0%} are "
        "dead in every seed, averaged over its blocks (those of `identity` are given a ReLU). The "
        "table shows this average, the share of each block from first to last, and the largest "
        "share at any rate, with the first seed.\n\n"
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
        f"Faster, block by block: {fast[0]} A training step takes {spread_of_times(steps[0])} and "
        f"a forward pass {spread_of_times(forwards[0])} times as long as with `act`. At equal "
        f"compute, with twice the blocks: {fast[1]} {spread_of_times(steps[1])} and "
        f"{spread_of_times(forwards[1])} times. Less accurate at equal depth: "
        f"{verdict(act, shallow)} At equal compute: {verdict(act, deep)} As the tutorial writes "
        "it, without an activation, a stack of these blocks is linear. A ReLU after the sum fixes "
        f"this: {verdict(deep, linear)} All of these networks project the shortcut where the shape "
        "changes.\n\n"
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
        "The same networks with the shortcut and with the residual branch alone. The shortcut has "
        "no weights. The claim: accuracy is higher with it.\n\n" + table(header, rows)
    )
