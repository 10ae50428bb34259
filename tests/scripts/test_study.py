"""The study: its plan, one run of it, and what the report says of made-up results."""

import sys

import _study_figures
import _study_nets
import _study_norm
import _study_report
import _study_runs
import keras
import numpy as np
import pytest
import study
from _study_nets import NETS, RATES, SEEDS, Run

import keras_resblocks_plugin as krp
from tests.helpers import images, to_numpy
from tests.made_data import photographs, save_dataset

pytestmark = pytest.mark.slow


def made_up(run: Run, top1: float) -> dict:
    """What a run might have found."""
    return {
        **{"net": run.net, "rate": run.rate, "seed": run.seed, "seconds": 1.0, "hardware": "none"},
        **{"held_out_top1": top1, "validation_top1": top1, "diverged": False},
        **{"parameters": 1000, "multiply_adds": 10**6, "held_out_accuracy": [top1 - 0.1, top1]},
        "dead_units": {"stack0_block0": 0.5, "stack1_block0": 0.0},
    }


STUDY = {
    **{"data": "photographs", "classes": 20, "image_size": 32, "epochs": 2, "batch_size": 8},
    **{"train_images": 900, "held_out_images": 100, "validation_images": 100},
}


def complete(accuracy) -> dict[str, dict]:
    """All runs of the plan, each as accurate as `accuracy(run)` says, without times."""
    results = {"study.json": STUDY}
    while (run := _study_nets.next_run(results)) is not None:
        results[run.file] = made_up(run, accuracy(run))
    return results


def timing(**slower: float) -> dict:
    """Times of which each is one but those given."""
    seconds = {net: [slower.get(net, 1.0)] * 4 for net in (*_study_runs.TIMED, "bn_folded")}
    return {"step": seconds, "forward": seconds, "batch_size": 8, "hardware": "none"}


def section(results: dict, heading: str) -> str:
    """The section of the report under a heading that has these words."""
    (text,) = (s for s in _study_report.study_sections(results) if heading in s.split("\n")[0])
    return text


def test_the_plan_tries_every_rate_once_and_the_best_with_all_seeds():
    results = complete(lambda run: 0.5 if run.rate == 0.1 else 0.2)
    runs = [(r["net"], r["rate"], r["seed"]) for r in results.values() if "net" in r]
    assert {net for net, _, _ in runs} == set(NETS)
    assert sorted((rate, seed) for net, rate, seed in runs if net == "act") == sorted(
        {*((rate, 0) for rate in RATES), *((0.1, seed) for seed in SEEDS)}
    )
    # It costs eight times as much, so it takes the rate of its narrow sister.
    assert [(rate, seed) for net, rate, seed in runs if net == "expanded_wide"] == [
        (0.1, seed) for seed in SEEDS
    ]
    assert _study_nets.best_rate("expanded_wide", results) == 0.1


def test_nets_that_are_compared_at_equal_compute_are():
    counts = {
        name: _study_runs.multiply_adds(_study_runs.build(NETS[name], 20).backbone, 32)
        for name in ("bn", "basic", "act", "expanded", "identity", "preact", "expanded_wide")
    }
    wide = counts.pop("expanded_wide")
    assert all(abs(count / counts["bn"] - 1) < 0.15 for count in counts.values()), counts
    assert wide > 5 * counts["bn"]


def test_a_plain_block_is_its_residual_branch_alone():
    block = _study_runs.without_shortcut("bn")(3, shortcut="pad")
    x = images(2, 8, 8, 3)
    expected = keras.ops.relu(block.residual(x)) if block(x) is not None else None
    np.testing.assert_array_equal(to_numpy(block(x)), to_numpy(expected))
    with_shortcut = krp.blocks.BatchNormResidualBlock(3, shortcut="pad")
    with_shortcut.build(x.shape)
    assert [w.path.split("/")[-2:] for w in block.weights] == [
        w.path.split("/")[-2:] for w in with_shortcut.weights
    ]


def test_verdicts_need_every_seed():
    assert _study_figures.verdict([0.5, 0.6], [0.3, 0.4]) == _study_figures.HOLDS
    assert _study_figures.verdict([0.3, 0.4], [0.5, 0.6]) == _study_figures.FAILS
    assert _study_figures.verdict([0.3, 0.6], [0.4, 0.5]) == _study_figures.OPEN


def test_the_report_has_the_claims_whose_runs_are_there():
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
        # All alike decide nothing.
        *((heading, None, (0, 0)) for heading in ("training speed", "more complex", "connection")),
    ],
)
def test_what_holds_and_what_does_not_where_one_net_is_better(heading, better, verdicts):
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
def test_a_claim_on_times_holds_where_most_rounds_say_so(heading, slower):
    results = complete(lambda run: 0.5)
    for seconds, verdict in ((slower, HOLDS), ({k: 0.5 for k in slower}, FAILS), ({}, None)):
        text = section({**results, "timing.json": timing(**seconds)}, heading)
        assert {HOLDS, FAILS} & {v for v in (HOLDS, FAILS) if v in text} == {verdict} - {None}
    assert _study_figures.verdict_on_times([1.1] * 7 + [0.9]) == HOLDS
    assert _study_figures.verdict_on_times([0.9, 1.1, 0.9, 1.1]) == OPEN


def test_the_largest_rate_that_trains_is_that_of_each_seed():
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


def test_the_depth_that_fails_is_one_where_only_the_norm_trains():
    def text(fails):
        return section(complete(lambda run: 0.05 if fails(run) else 0.5), "depth")

    twelve = text(lambda run: run.net == "bn_12_without_norm")
    assert "From 12 blocks a stack," in twelve
    assert "None of these" in text(lambda run: run.net.startswith("bn_12"))
    assert "None of these" in text(lambda run: False)
    one_seed = text(lambda run: run.net == "bn_12_without_norm" and run.seed == 1)
    assert "None of these" in one_seed
    assert "| 12 (1 of 3 seeds fail without) |" in one_seed


def test_a_run_that_ended_in_nan_is_neither_fast_nor_without_dead_units():
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


def test_a_study_goes_on_behind_the_last_finished_run(small_study, tmp_path, monkeypatch, capsys):
    data = save_dataset(tmp_path / "data", train=photographs(120, 0), validation=photographs(30, 1))
    out = tmp_path / "out"

    def run_study():
        arguments = ["--data", data, "--cache", tmp_path / "cache", "--out", out, "--runs", 1]
        monkeypatch.setattr(sys, "argv", ["study.py", *map(str, arguments)])
        study.main(study.parse_args())

    run_study()
    first = out / Run("bn", RATES[0], 0).file
    assert {file.name for file in out.iterdir()} == {"study.json", first.name}
    before = first.read_bytes()
    run_study()
    assert len(list(out.iterdir())) == 3
    assert first.read_bytes() == before
    results = study.read_results(out)
    result = results[Run("bn", RATES[1], 0).file]
    assert len(result["held_out_accuracy"]) == 2
    assert 0 <= result["validation_top1"] <= 1
    assert list(result["dead_units"]) == ["stack0_block0"]
    of = results["study.json"]
    counts = [of[f"{name}_images"] for name in ("train", "held_out", "validation")]
    # Two of three classes.
    assert counts == [72, 8, 20]
    # Runs on other data would not compare.
    monkeypatch.setattr(study, "EPOCHS", 3)
    with pytest.raises(
        ValueError, match=r"study\.json was made with other .* `epochs` was 2, now 3"
    ):
        run_study()
    assert len(list(out.iterdir())) == 3
    monkeypatch.setattr(study, "CLASSES", 20)
    with pytest.raises(ValueError, match=r"same classes, at least 20\. Received: 3 and 3 classes"):
        run_study()


def test_nets_are_timed_in_turns(monkeypatch):
    monkeypatch.setattr(_study_runs, "TIMED", ("bn", "bn_without_norm"))
    times = _study_runs.time_nets(batch_size=8, runs=2)
    assert set(times["forward"]) == {"bn", "bn_without_norm", "bn_folded"}
    assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in times["step"].values())
    assert "| a forward pass, folded | " in _study_norm.overhead({"timing.json": times})
