"""Writes a table of fine-tuned networks side by side into their page.

The records of the runs are kept in this repository; the table is written from those kept.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

RECORDS = Path(__file__).with_name("measured")
PAGE = Path("keras_resblocks_plugin/training/README.md")
# Task → the results in its table.
METRICS = {
    "classification": ("validation_top1", "validation_top5"),
    "segmentation": ("test_mean_iou", "test_pixel_accuracy"),
    "detection": ("validation_map", "validation_ap50"),
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/study/compare_runs.py detection runs/detection "
        "runs/detection-from-scratch",
    )
    parser.add_argument("task", choices=METRICS, help="the table's name in the page, too")
    parser.add_argument("runs", nargs="*", type=Path, help="folders of runs whose records to keep")
    parser.add_argument("--records", type=Path, default=RECORDS, help="the records kept")
    parser.add_argument("--readme", type=Path, default=PAGE, help="the page to change")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Keeps the records of the runs, and writes the table."""
    from _records import read_record

    from keras_resblocks_plugin._utils import _jsonfile

    for run in args.runs:
        record = read_record(run / "preset")
        start = json.loads((run / "settings.json").read_text())["start"]
        name = "preset" if "preset" in record.start else "scratch"
        # Of random weights there is no digest.
        record.start |= {key: start[key] for key in ("weights",) if key in start}
        args.records.mkdir(parents=True, exist_ok=True)
        _jsonfile.write_json(args.records / f"{args.task}-{name}.json", record.to_json())
    write_table(args.task, args.records, args.readme)


def write_table(task: str, folder: Path, page: Path) -> None:
    """Writes the table of a task from the records in a folder, if there are any.

    Raises:
        ValueError: If they were not measured on the same data, by the same software.
    """
    from _records import which_weights

    from keras_resblocks_plugin._utils import _markdown
    from keras_resblocks_plugin.saving._training_record import TrainingRecord

    files = sorted(folder.glob(f"{task}-*.json"))
    records = [TrainingRecord.from_json(json.loads(file.read_text())) for file in files]
    if not records:
        return
    compared = [(_data(x), x.hardware, x.software) for x in records]
    if any(one != compared[0] for one in compared):
        raise ValueError(
            "All runs must be measured on the same data, by the same hardware and software, or "
            f"their figures compare nothing. Received: {'; '.join(map(str, compared))}"
        )
    header = ["start", *(metric.replace("_", " ") for metric in METRICS[task]), "epochs"]
    rows = [
        [_start(x), *(f"{x.results[metric]:.3f}" for metric in METRICS[task]), x.epochs]
        for x in records
    ]
    text = f"Measured with {records[0].software['backend']}, {records[0].hardware}. "
    starts = [x.start for x in records if "preset" in x.start]
    text += " ".join(which_weights(x["preset"], x["weights"]) for x in starts)
    _markdown.replace_section(page, task, f"{_markdown.table(header, rows)}\n\n{text.strip()}")


def _data(record) -> dict:
    counts = ("held_out_images", "validation_images", "test_images")
    return {key: record.data[key] for key in ("name", *counts) if key in record.data}


def _start(record) -> str:
    if "preset" in record.start:
        return f"`{record.start['preset']}`, strategy `{record.recipe['strategy']}`"
    return f"random weights, as `{record.start['architecture']}`"


if __name__ == "__main__":
    _cli.run(main, parse_args())
