"""The study: its plan, its nets and its runs."""

import sys

import _study_nets
import _study_norm
import _study_runs
import keras
import numpy as np
import pytest
import study
from _study_nets import NETS, RATES, SEEDS, Run

import keras_resblocks_plugin as krp
from tests.helpers import images, to_numpy
from tests.made_data import photographs, save_dataset
from tests.scripts.made_study import complete


def test_the_plan_tries_every_rate_once_and_the_best_with_all_seeds():
    results = complete(lambda run: 0.5 if run.rate == 0.1 else 0.2)
    runs = [(r["net"], r["rate"], r["seed"]) for r in results.values() if "net" in r]
    assert {net for net, _, _ in runs} == set(NETS)
    assert sorted((rate, seed) for net, rate, seed in runs if net == "act") == sorted(
        {*((rate, 0) for rate in RATES), *((0.1, seed) for seed in SEEDS)}
    )
    # It costs eight times as much, so it takes the rate of the narrow net.
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


def test_a_study_resumes_after_the_last_finished_run(small_study, tmp_path, monkeypatch, capsys):
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
