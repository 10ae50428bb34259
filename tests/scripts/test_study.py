"""The study: its plan, one run of it, and what the report says of made-up results."""

import sys

import _data
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
from tests.scripts.conftest import photographs, save_dataset


def made_up(run: Run, top1: float) -> dict:
    """What a run might have found."""
    return {
        **{"net": run.net, "rate": run.rate, "seed": run.seed, "seconds": 1.0, "hardware": "none"},
        **{"held_out_top1": top1, "validation_top1": top1, "diverged": False},
        **{"parameters": 1000, "multiply_adds": 10**6, "held_out_accuracy": [top1 / 2, top1]},
        "dead_units": {"stack0_block0": 0.5, "stack1_block0": 0.0},
    }


def complete(accuracy) -> dict[str, dict]:
    """All runs of the plan, each as accurate as `accuracy(run)` says."""
    results = {}
    while (run := _study_nets.next_run(results)) is not None:
        results[run.file] = made_up(run, accuracy(run))
    return results


def test_the_plan_tries_every_rate_once_and_the_best_with_all_seeds():
    results = complete(lambda run: 0.5 if run.rate == 0.1 else 0.2)
    runs = [(r["net"], r["rate"], r["seed"]) for r in results.values()]
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


def test_the_report_says_of_each_claim_what_the_runs_say():
    def accuracy(run):
        trains = "plain" not in run.net and run.net != "bn_12_without_norm"
        stable = run.rate <= (0.1 if "without_norm" in run.net else 1.0)
        return (0.5 if run.net.startswith("bn") else 0.4) if trains and stable else 0.05

    results = complete(accuracy)
    sections = _study_report.study_sections(results)
    text = "\n".join(sections)
    # The times are not there, and so the two claims about them are not either.
    assert len(sections) == 6
    assert "overhead" not in text
    assert "with batch norm 1, without 0.1" in text
    assert "no seed reaches twice the chance at 12 blocks a stack" in text
    assert "| `act`, 6 | 40.0% [40.0%, 40.0%] | 5.0% [5.0%, 5.0%] | **It holds.** |" in text
    assert "| `act` | 25.0% [25.0%, 25.0%] | 50% 0% |" in text

    nets = {net: [1.0, 1.0] for net in _study_runs.TIMED}
    times = {"step": {**nets, "bn": [1.5, 1.3]}, "forward": {**nets, "bn_folded": [1.0, 1.0]}}
    timing = {**times, "batch_size": 8, "hardware": "none"}
    sections = _study_report.study_sections({**results, "timing.json": timing})
    assert len(sections) == 8
    assert "| a training step | 1.40 [1.30, 1.50] |" in sections[3]
    assert _study_report.study_sections({}) == []


@pytest.fixture
def small(monkeypatch):
    """A study that a test can afford."""
    monkeypatch.setitem(NETS, "bn", _study_nets.Net("bn", blocks=1, widths=(4,)))
    monkeypatch.setattr(study, "CLASSES", 2)
    monkeypatch.setattr(study, "EPOCHS", 2)
    monkeypatch.setattr(study, "BATCH_SIZE", 16)


def test_a_study_goes_on_behind_the_last_finished_run(small, tmp_path, monkeypatch, capsys):
    data = save_dataset(tmp_path / "data", train=photographs(120, 0), validation=photographs(30, 1))
    out = tmp_path / "out"

    def run_study():
        arguments = ["--data", data, "--cache", tmp_path / "cache", "--out", out, "--runs", 1]
        monkeypatch.setattr(sys, "argv", ["study.py", *map(str, arguments)])
        study.main(study.parse_args())

    run_study()
    (first,) = out.iterdir()
    assert first.name == Run("bn", RATES[0], 0).file
    before = first.read_bytes()
    run_study()
    assert len(list(out.iterdir())) == 2
    assert first.read_bytes() == before
    results = study.read_results(out)
    result = results[Run("bn", RATES[1], 0).file]
    assert len(result["held_out_accuracy"]) == 2
    assert 0 <= result["validation_top1"] <= 1
    assert list(result["dead_units"]) == ["stack0_block0"]
    assert _data.hold_out(80, study.HELD_OUT, 0)[1].size == 8


def test_nets_are_timed_in_turns(monkeypatch):
    monkeypatch.setattr(_study_runs, "TIMED", ("bn", "bn_without_norm"))
    times = _study_runs.time_nets(batch_size=8, runs=2)
    assert set(times["forward"]) == {"bn", "bn_without_norm", "bn_folded"}
    assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in times["step"].values())
    assert "| a forward pass, folded | " in _study_norm.overhead({"timing.json": times})
