"""Results are used again only for the settings that made them."""

import json

import _study_nets
import compare_finetuning
import pytest
import study

from keras_resblocks_plugin.training import _provenance
from tests.made_data import photographs, save_dataset, save_two_columns
from tests.training.test_continued_runs import run_main, save_preset


def test_finished_runs_of_another_preset_dataset_or_precision_are_not_compared(
    small_comparison, dataset, tmp_path, monkeypatch
):
    preset = save_preset(tmp_path / "tiny")
    arguments = ["--out", tmp_path / "runs", "--images", 10, "--seeds", 0]
    arguments += ["--results", tmp_path / "results.json"]

    def compare(preset=preset, data=dataset, dtype="float32"):
        more = "--data", data, "--dtype", dtype
        compare_finetuning.main(
            compare_finetuning.parse_args([*map(str, (preset, *more, *arguments))])
        )

    compare()
    written = (tmp_path / "results.json").read_text()
    assert _provenance.MADE_BY not in written
    data = save_dataset(tmp_path / "x", train=photographs(90, 3), validation=photographs(30, 1))
    for change, words in (
        (
            {"preset": save_preset(tmp_path / "other", "act")},
            r'`start\.name` was "tiny", now "other"',
        ),
        ({"data": data}, r"`data\.train\.fingerprint` was"),
        ({"dtype": "mixed_bfloat16"}, '`dtype` was "float32", now "mixed_bfloat16"'),
    ):
        with pytest.raises(ValueError, match=words):
            compare(**change)
    # Retrained in its place, it is another preset.
    save_preset(preset)
    with pytest.raises(ValueError, match=r"`start\.weights` was"):
        compare()
    assert (tmp_path / "results.json").read_text() == written
    for file in (tmp_path / "runs").glob("*.json"):
        content = json.loads(file.read_text())
        del content[_provenance.MADE_BY]
        file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no record of the settings"):
        compare()


def test_a_study_does_not_take_runs_of_other_nets_or_columns(small_study, tmp_path, monkeypatch):
    data, out = save_two_columns(tmp_path / "data"), tmp_path / "out"

    def run_study(*args):
        where = "--data", data, "--cache", tmp_path / "cache", "--out", out
        run_main(study, monkeypatch, *where, "--runs", 1, *args)

    run_study()
    with pytest.raises(ValueError, match=r'`splits\.train\.image_column` was "image", now "dark"'):
        run_study("--image-column", "dark")
    monkeypatch.setitem(_study_nets.NETS, "bn", _study_nets.Net("bn", blocks=1, widths=(6,)))
    with pytest.raises(ValueError, match=r"`bn\.widths` was \[4\], now \[6\]"):
        run_study()
    (out / "study.json").unlink()
    with pytest.raises(ValueError, match="no record of the settings"):
        run_study()
