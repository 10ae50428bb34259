"""The report on the presets is written from their records, without missing parts."""

import json
import sys

import _report_plots
import numpy as np
import pytest
import report
from matplotlib.colors import to_rgb
from PIL import Image

from keras_resblocks_plugin.saving._training_record import TrainingRecord
from tests.scripts.test_benchmark import made_measurement
from tests.tiny import tiny_backbone, tiny_classifier

# Of a preset that was trained on more classes, by another program.
MADE_ELSEWHERE = {
    "made_by": {"script": "another"},
    "data": {"name": "many colours", "classes": 9, "validation_images": 9000},
    "measured_on": [{"name": "colours", "classes": 3, "images": 3000, "top1": 0.7, "top5": 1.0}],
}


@pytest.fixture
def presets(tmp_path):
    """A folder of two small presets with records, the second more accurate."""
    folder = tmp_path / "presets"
    for name, block_type, top1 in (("first", "bn", 0.4), ("second", "act", 0.6)):
        tiny_classifier(tiny_backbone(block_type)).save_to_preset(str(folder / name))
        record = {
            "recipe": {"image_size": 16},
            "data": {"name": "colours", "classes": 3, "validation_images": 3000},
            "results": {"validation_top1": top1, "validation_top5": 1.0},
            "history": [{"epoch": 1, "val_accuracy": 0.2}, {"epoch": 2, "val_accuracy": top1}],
            **({"note": "trained twice"} if name == "first" else MADE_ELSEWHERE),
        }
        (folder / name / "training.json").write_text(json.dumps(record))
    return folder


def run_report(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["report.py", *map(str, args)])
    report.main(report.parse_args())


def test_the_report_has_what_the_records_say(presets, tmp_path, monkeypatch):
    run_report(
        monkeypatch,
        *("--presets", presets, "--study", tmp_path / "none", "--measure", 2),
        *("--latency", tmp_path / "latency.json"),
        *("--finetuning", tmp_path / "none.json", "--benchmark", tmp_path / "none.json"),
    )
    text = (presets / "README.md").read_text()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| [")]
    assert [row[0] for row in rows] == ["| [`second`](second)", "| [`first`](first)"]
    # Epochs, and the figures on the preset's own classes and on those of both.
    assert rows[0][3:8] == ["2", "9", "60.0%", "100.0%", "70.0%"]
    assert rows[1][3:8] == ["2", "3", "40.0%", "100.0%", "40.0%"]
    assert "| classes | top-1 | top-5 | top-1 on colours |" in text
    assert "the 3 of colours (3,000 images)" in text
    assert "decided nothing about `second`" in text
    assert "\n`first`: trained twice.\n" in text
    assert "`second`:" not in text
    # There is no study, so the report does not mention one.
    assert "claims" not in text
    assert "Fine-tuning" not in text
    assert "KerasHub" not in text
    with Image.open(presets / "presets.png") as picture:
        assert picture.size == (800, 600)
    # It ships with the package.
    assert (presets / "presets.png").stat().st_size < 100_000
    # What was measured is kept, and the report is written again without measuring.
    run_report(
        monkeypatch,
        *("--presets", presets, "--study", tmp_path / "none", "--finetuning"),
        *("--benchmark", tmp_path / "none.json", "--latency", tmp_path / "latency.json"),
    )
    assert (presets / "README.md").read_text() == text


def test_the_report_has_what_the_benchmark_measured(presets, tmp_path, monkeypatch):
    file = tmp_path / "benchmark.json"
    file.write_text(json.dumps(made_measurement()))
    latency = ("--measure", 2, "--latency", tmp_path / "latency.json")
    run_report(monkeypatch, "--presets", presets, *latency, "--benchmark", file)
    text = (presets / "README.md").read_text()
    assert "| 152: `from_preset` | 1.52 s [1.52, 1.52] | 3.04 s [3.04, 3.04] | 0.50" in text
    assert "(benchmark.png)" in text
    assert (presets / "benchmark.png").stat().st_size < 100_000


def test_the_curve_continues_where_earlier_weights_stopped():
    start = {"history": [{"epoch": 1}, {"epoch": 2}]}
    record = {"start": start, "history": [{"epoch": 1, "loss": 0.5}]}
    assert TrainingRecord.from_json(record).whole_history[1:] == [
        {"epoch": 2},
        {"epoch": 3, "loss": 0.5},
    ]


def test_the_presets_have_colours_that_can_be_told_apart(tmp_path):
    presets = {
        f"preset_{i}": TrainingRecord(
            multiply_adds=35_000_000,
            data={"name": "colours", "classes": 3, "validation_images": 9},
            results={"validation_top1": 0.5 - 0.02 * i, "validation_top5": 1.0},
            history=[{"epoch": e, "val_accuracy": e / (30 + 10 * i)} for e in range(1, 31)],
            more={"parameters": 2_800_000 - 1_000 * i},
        )
        for i in range(6)
    }
    latencies = {name: [0.1, 0.2] for name in presets}
    _report_plots.plot_presets(presets, latencies, "colours", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        drawn = np.asarray(picture.convert("RGB"), "int32").reshape(-1, 3)
    for i in range(6):
        wanted = np.round(255 * np.array(to_rgb(f"C{i}")))
        # The few colours of the file are near: each channel within a sixteenth of its range.
        assert np.abs(drawn - wanted).max(axis=1).min() < 16, f"C{i}"


def test_an_empty_folder_is_an_error(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"training\.json"):
        run_report(monkeypatch, "--presets", tmp_path)
