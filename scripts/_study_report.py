"""The sections of the report that say which of the tutorial's claims held."""

import statistics
from collections.abc import Mapping
from typing import Any

import _study_norm
from _markdown import table
from _study_figures import FAILS, HEADER, HOLDS, median, row, runs_of, spread, top1, verdict
from _study_nets import NETS, RATES, SEEDS


def study_introduction(results: Mapping[str, Any]) -> str:
    """What was trained, on what, and for how long."""
    runs = [result for name, result in results.items() if name != "timing.json"]
    hours = sum(run["seconds"] for run in runs) / 3600
    return (
        f"{len(runs)} runs of {len({run['net'] for run in runs})} of {len(NETS)} small nets, "
        f"{hours:.1f} hours on {runs[0]['hardware']}: three stacks on 20 of the classes at 32×32 "
        f"pixels, {len(runs[0]['held_out_accuracy'])} epochs. Every net takes the best of the "
        f"learning rates {', '.join(f'{rate:g}' for rate in RATES)}, chosen with the first of "
        f"{len(SEEDS)} seeds on images held out of the training split; top-1 accuracy is that on "
        "the validation images. Mean of the seeds, least and most in brackets. A claim holds where "
        "every seed says so."
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
        _identity,
        _shortcut,
    ):
        try:
            sections.append(write(results))
        except KeyError:
            # A run, or the times, that this claim needs are not there yet.
            continue
    return sections


def _expansion(results) -> str:
    compute, wide, act = (top1(results, name) for name in ("expanded", "expanded_wide", "act"))
    return (
        '### "Expanding allows more complex representations at the expense of computation"\n\n'
        f"At equal width, against the two convolutions of `act`: {verdict(wide, act)} At equal "
        f"compute: {verdict(compute, act)}\n\n"
        + table(
            HEADER,
            [
                row(results, "expanded_wide", "`expanded`, equal width"),
                row(results, "expanded", "`expanded`, equal compute"),
                row(results, "act", "`act`"),
                row(results, "basic", "`basic`"),
            ],
        )
    )


def _dying(results) -> str:
    rows, dead = [], []
    for name in ("basic", "act", "bn", "expanded", "identity", "preact", "bn_without_norm"):
        shares = [run["dead_units"] for run in runs_of(results, name)]
        by_block = [statistics.mean(share[block] for share in shares) for block in shares[0]]
        means = [statistics.mean(share.values()) for share in shares]
        dead.append(statistics.mean(means))
        rows.append([f"`{name}`", spread(means), " ".join(f"{x:.0%}" for x in by_block)])
    outcome = HOLDS if max(dead) > 0.01 else FAILS
    return (
        '### "Dying ReLU"\n\n'
        f"{outcome} Share of channels behind a ReLU that are zero on 256 held-out images at every "
        "place, after training at the best learning rate; then each block's, from the first to "
        "the last.\n\n" + table(["net", "all blocks", "by block"], rows)
    )


def _identity(results) -> str:
    step = results["timing.json"]["step"]
    ratio = [a / b for a, b in zip(step["identity"], step["act"], strict=True)]
    faster = HOLDS if statistics.median(ratio) < 0.98 else FAILS
    deep, act = top1(results, "identity"), top1(results, "act")
    return (
        '### "A direct connection is fast, and lacks representational richness"\n\n'
        f"Fast: {faster} At equal compute a training step takes {median(ratio)} of that of `act`. "
        f"Poorer at equal compute: {verdict(act, deep)} As the tutorial writes it, without an "
        "activation, a stack of these blocks is linear.\n\n"
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


def _shortcut(results) -> str:
    rows = []
    for block_type in ("act", "bn"):
        for blocks in (2, 6):
            name = f"{block_type}_{blocks}"
            having, plain = (top1(results, f"{name}_{x}") for x in ("shortcut", "plain"))
            rows.append(
                [f"`{block_type}`, {blocks}", spread(having), spread(plain), verdict(having, plain)]
            )
    return (
        "### What the residual connection itself does\n\n"
        "The same nets with the shortcut and with the residual branch alone, neither with weights "
        "in the shortcut; top-1, each at its best learning rate. The claim: with it is better.\n\n"
        + table(["block, blocks a stack", "with", "without", "claim"], rows)
    )
