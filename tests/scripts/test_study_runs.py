"""Runs of the studies that diverge, or whose data have unreadable images."""

import json

import _study_nets
import _study_runs
import compare_finetuning
import pytest
import study

from keras_resblocks_plugin._utils import _jsonfile
from keras_resblocks_plugin.training.data._resizing import Square
from tests.training.decoded import load_images
from tests.training.test_continued_runs import run_main
from tests.training.test_divergence import TOO_FAST, save_preset


def test_a_run_of_the_study_that_diverges_says_so(small_study, dataset, tmp_path):
    splits = [
        load_images(str(dataset), name, Square(32), tmp_path) for name in ("train", "validation")
    ]
    data = _study_runs.StudyData(*splits, 2, 0.1)
    result = _study_runs.train(_study_nets.Run("bn", TOO_FAST, 0), data, 2, 16)
    assert result["diverged"] is True
    assert result["held_out_top1"] == result["validation_top1"] == 0.0
    assert result["dead_units"] == {"stack0_block0": 0.0}
    _jsonfile.write_json(tmp_path / "result.json", result)


@pytest.mark.slow
def test_studies_leave_out_what_cannot_be_read(
    messy, small_study, small_comparison, tmp_path, monkeypatch
):
    folder, preset = tmp_path / "study", save_preset(tmp_path / "preset")
    start = "--data", messy, "--cache", tmp_path / "cache", "--out", folder, "--runs", 1
    with pytest.raises(ValueError, match="--skip-unreadable"):
        run_main(study, monkeypatch, *start)
    run_main(study, monkeypatch, *start, "--skip-unreadable")
    assert json.loads((folder / "study.json").read_text())["unreadable_images_left_out"] == 2
    results = tmp_path / "results.json"
    start = preset, "--data", messy, "--out", tmp_path / "runs", "--results", results
    start += "--images", 5, "--seeds", 0, "--dtype", "float32", "--skip-unreadable"
    compare_finetuning.main(compare_finetuning.parse_args([*map(str, start)]))
    assert json.loads(results.read_text())["unreadable_images_left_out"] == 2
