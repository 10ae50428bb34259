"""The table of runs side by side."""

import json

import compare_runs
import pytest


def save_record(folder, **start):
    record = {
        "start": start,
        "recipe": {"strategy": "full"},
        "data": {"name": "streets", "test_images": 6},
        "results": {"test_mean_iou": 0.25, "test_iou_sky": 0.5},
        "epochs": 3,
        "seconds": 90,
        "hardware": "2 cores",
        "software": {"backend": "jax 1"},
    }
    folder.mkdir()
    (folder / "training.json").write_text(json.dumps(record))
    return str(folder)


def test_runs_stand_side_by_side(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- seg:begin -->old<!-- seg:end -->")
    runs = (
        save_record(tmp_path / "a", preset="small"),
        save_record(tmp_path / "b", architecture="small"),
    )
    arguments = "seg", *runs, "--metrics", "test_mean_iou", "--readme", str(page)
    compare_runs.main(compare_runs.parse_args([*arguments]))
    assert "| `small`, strategy `full` | 0.250 | 3 | 1.5 |" in page.read_text()
    assert "| random weights, as `small` | 0.250 | 3 | 1.5 |" in page.read_text()
    assert "jax 1, 2 cores" in page.read_text()


def test_runs_of_several_machines_are_not_compared(tmp_path):
    runs = save_record(tmp_path / "a", preset="small"), save_record(tmp_path / "b", preset="small")
    file = tmp_path / "b" / "training.json"
    file.write_text(file.read_text().replace("2 cores", "8 cores"))
    with pytest.raises(ValueError, match=r"same hardware.*2 cores, 8 cores"):
        compare_runs.main(compare_runs.parse_args(["seg", *runs, "--metrics", "test_mean_iou"]))


def test_runs_on_other_data_are_not_compared(tmp_path):
    runs = save_record(tmp_path / "a", preset="small"), save_record(tmp_path / "b", preset="small")
    file = tmp_path / "b" / "training.json"
    file.write_text(file.read_text().replace("streets", "birds"))
    with pytest.raises(ValueError, match=r"measured on the same data.*streets.*birds"):
        compare_runs.main(compare_runs.parse_args(["seg", *runs, "--metrics", "test_mean_iou"]))
