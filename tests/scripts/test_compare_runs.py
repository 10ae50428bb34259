"""The table of fine-tuned networks side by side, and the records that it is written from."""

import json

import compare_runs
import pytest


def save_run(folder, **start):
    record = {
        "start": start,
        "recipe": {"strategy": "full"},
        "data": {"name": "streets", "test_images": 6},
        "results": {"test_mean_iou": 0.25, "test_pixel_accuracy": 0.5},
        "epochs": 3,
        "hardware": "2 cores",
        "software": {"backend": "jax 1"},
    }
    (folder / "preset").mkdir(parents=True)
    (folder / "preset" / "training.json").write_text(json.dumps(record))
    digests = {"architecture": "a"} | ({"weights": "0123"} if "preset" in start else {})
    (folder / "settings.json").write_text(json.dumps({"start": {"name": "small", **digests}}))
    return str(folder)


@pytest.fixture
def runs(tmp_path):
    """A run from a preset, and one from random weights."""
    starts = {"tuned": {"preset": "small"}, "from_scratch": {"architecture": "small"}}
    return [save_run(tmp_path / name, **start) for name, start in starts.items()]


@pytest.fixture
def compare(tmp_path):
    """`compare(*runs)` writes the table and returns the page."""
    page = tmp_path / "page.md"
    page.write_text("<!-- segmentation:begin -->old<!-- segmentation:end -->")

    def compare(*runs):
        places = ["--records", str(tmp_path / "records"), "--readme", str(page)]
        compare_runs.main(compare_runs.parse_args(["segmentation", *runs, *places]))
        return page.read_text()

    return compare


def test_runs_stand_side_by_side(compare, runs):
    page = compare(*runs)
    assert "| `small`, strategy `full` | 0.250 | 0.500 | 3 |" in page
    assert "| random weights, as `small` | 0.250 | 0.500 | 3 |" in page
    assert "jax 1, 2 cores" in page
    assert "not those bundled as `small`: their digest is `0123`" in page


def test_the_table_is_written_again_without_the_runs(compare, runs):
    assert compare(*runs) == compare()


@pytest.mark.parametrize(("text", "other"), [("2 cores", "8 cores"), ("streets", "birds")])
def test_runs_that_do_not_compare_are_refused(compare, runs, tmp_path, text, other):
    file = tmp_path / "from_scratch" / "preset" / "training.json"
    file.write_text(file.read_text().replace(text, other))
    with pytest.raises(ValueError, match=rf"on the same data, by the same.*{text}.*{other}"):
        compare(*runs)
