"""The report on the study, from made results."""

import _study_figures
import _study_norm
import _study_report
import pytest
from _study_nets import RATES, Run

from tests.scripts.made_study import complete, timing


def section(results: dict, heading: str) -> str:
    """The section of the report whose heading contains these words."""
    (text,) = (s for s in _study_report.study_sections(results) if heading in s.split("\n")[0])
    return text


def test_verdicts_need_every_seed():
    assert _study_figures.verdict([0.5, 0.6], [0.3, 0.4]) == _study_figures.HOLDS
    assert _study_figures.verdict([0.3, 0.4], [0.5, 0.6]) == _study_figures.FAILS
    assert _study_figures.verdict([0.3, 0.6], [0.4, 0.5]) == _study_figures.OPEN


def test_the_report_has_the_claims_whose_runs_exist():
    assert _study_report.study_sections({}) == []
    results = complete(lambda run: 0.5)
    # Three claims are about times, too.
    assert len(_study_report.study_sections(results)) == 5
    assert len(_study_report.study_sections({**results, "timing.json": timing()})) == 8
    del results[Run("preact", RATES[0], 0).file]
    assert len(_study_report.study_sections(results)) == 4
    text = _study_report.study_introduction(results)
    assert "900 images at 32×32 pixels, for 2 epochs" in text
    assert "`expanded_wide` that of `expanded`" in text


HOLDS, FAILS, OPEN = _study_figures.HOLDS, _study_figures.FAILS, _study_figures.OPEN


@pytest.mark.parametrize(
    ("heading", "better", "verdicts"),
    [
        ("training speed", "bn", (1, 0)),
        ("training speed", "bn_without_norm", (0, 1)),
        ("more complex", "expanded_wide", (2, 0)),
        ("more complex", "expanded", (2, 0)),
        ("more complex", "act", (0, 2)),
        ("more complex", "bn_without_norm", (0, 2)),
        ("direct connection", "act", (2, 0)),
        ("direct connection", "identity_shallow", (0, 1)),
        # Not poorer than `act`, and its ReLU helps.
        ("direct connection", "identity", (1, 1)),
        ("direct connection", "identity_linear", (0, 1)),
        ("residual connection", "act_6_shortcut", (1, 0)),
        ("residual connection", "act_6_plain", (0, 1)),
        ("residual connection", "bn_2_shortcut", (1, 0)),
        ("residual connection", "bn_2_plain", (0, 1)),
        # Equal nets decide nothing.
        *((heading, None, (0, 0)) for heading in ("training speed", "more complex", "connection")),
    ],
)
def test_verdicts_where_one_net_is_better(heading, better, verdicts):
    results = complete(lambda run: 0.6 if run.net == better else 0.4)
    # With times that decide nothing.
    sections = _study_report.study_sections({**results, "timing.json": timing()})
    text = "".join(part for part in sections if heading in part.split("\n")[0])
    assert heading in text
    assert (text.count(HOLDS), text.count(FAILS)) == verdicts


@pytest.mark.parametrize(
    ("heading", "slower"),
    [
        ("adds overhead", {"bn": 1.5}),
        ("more complex", {"expanded_wide": 1.5}),
        ("direct connection", {"act": 1.5}),
    ],
)
def test_a_claim_on_times_holds_where_most_rounds_agree(heading, slower):
    results = complete(lambda run: 0.5)
    for seconds, verdict in ((slower, HOLDS), ({k: 0.5 for k in slower}, FAILS), ({}, None)):
        text = section({**results, "timing.json": timing(**seconds)}, heading)
        assert {HOLDS, FAILS} & {v for v in (HOLDS, FAILS) if v in text} == {verdict} - {None}
    assert _study_figures.verdict_on_times([1.1] * 7 + [0.9]) == HOLDS
    assert _study_figures.verdict_on_times([0.9, 1.1, 0.9, 1.1]) == OPEN


def test_the_largest_rate_that_trains_is_found_for_each_seed():
    def accuracy(run):
        limit = 0.1 if run.net == "bn_without_norm" else 1.0
        return 0.5 if run.rate <= limit else 0.05

    text = section(complete(accuracy), "stability")
    assert HOLDS in text
    assert "1, 1, 1 with batch norm, 0.1, 0.1, 0.1 without." in text
    # One seed that trains at the larger rate is enough to leave it open.
    text = section(complete(lambda run: max(accuracy(run), 0.5 * (run.seed == 2))), "stability")
    assert OPEN in text
    assert "1, 1, 3 with batch norm, 0.1, 0.1, 3 without." in text
    assert OPEN in section(complete(lambda run: 0.05), "stability")


def test_the_failing_depth_is_one_where_only_the_normalized_net_trains():
    def text(fails):
        return section(complete(lambda run: 0.05 if fails(run) else 0.5), "depth")

    twelve = text(lambda run: run.net == "bn_12_without_norm")
    assert "From 12 blocks a stack," in twelve
    assert "None of these" in text(lambda run: run.net.startswith("bn_12"))
    assert "None of these" in text(lambda run: False)
    one_seed = text(lambda run: run.net == "bn_12_without_norm" and run.seed == 1)
    assert "None of these" in one_seed
    assert "| 12 (1 of 3 seeds fail without) |" in one_seed


def test_a_diverged_run_is_neither_fast_nor_free_of_dead_units():
    results = complete(lambda run: 0.5)
    results[Run("bn_without_norm", RATES[0], 1).file] |= {
        **{"diverged": True, "validation_top1": 0.05, "held_out_accuracy": [0.05]},
        "dead_units": {"stack0_block0": 0.0, "stack1_block0": 0.0},
    }
    speed = section(results, "training speed")
    assert "1.7 [1.0, 3.0] without; 1 of the 6 runs never reach it, and count as 3." in speed
    assert "| 0.01 (smallest tried) | 35.0% [5.0%, 50.0%], 1 diverged |" in speed
    dying = section(results, "Dying")
    assert "`identity`, `preact`, `bn_without_norm` lose units." in dying
    assert (
        "| `act` | 0.01 (smallest tried) | 25.0% [25.0%, 25.0%] | 50% 0% | 25% at 0.01 |" in dying
    )
    for run in results.values():
        if "net" in run:
            run["dead_units"] = {"stack0_block0": 0.01}
    assert FAILS in section(results, "Dying")
    results[Run("act", RATES[0], 0).file]["dead_units"] = {"stack0_block0": 0.2}
    text = section(results, "Dying")
    assert FAILS in text
    assert "By the mean of the seeds, `act` would count too." in text
    assert _study_norm.first_epoch([0.1], 0.2, 10) == 11
    assert _study_norm.first_epoch([0.1, 0.2], 0.2, 10) == 2
