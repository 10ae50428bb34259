"""Writes a table of runs side by side into a page: start, results, time."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

if TYPE_CHECKING:
    from keras_resblocks_plugin.saving._training_record import TrainingRecord


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/study/compare_runs.py detection runs/fine-tuned/preset "
        "runs/from-scratch/preset --metrics validation_map validation_ap50",
    )
    parser.add_argument("section", help="the table goes between <!-- SECTION:begin --> and :end")
    parser.add_argument("presets", nargs="+", type=Path, help="presets with a training.json")
    parser.add_argument("--metrics", nargs="+", required=True, help="keys of their results")
    parser.add_argument(
        "--readme",
        type=Path,
        default=Path("keras_resblocks_plugin/training/README.md"),
        help="the file to change",
    )
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Reads the records and replaces the section."""
    from _records import read_record

    from keras_resblocks_plugin._utils import _markdown

    records = [read_record(folder) for folder in args.presets]
    measured = [_measured_on(record) for record in records]
    if any(data != measured[0] for data in measured):
        raise ValueError(
            "All runs must be measured on the same data, or their figures compare nothing. "
            f"Received: {'; '.join(map(str, measured))}"
        )
    for key in ("hardware", "software"):
        if any(getattr(x, key) != getattr(records[0], key) for x in records):
            raise ValueError(
                f"All runs must be of the same {key}, or their times compare nothing. Received: "
                + ", ".join(str(getattr(x, key)) for x in records)
            )
    header = ["start", *(metric.replace("_", " ") for metric in args.metrics), "epochs", "minutes"]
    rows = [
        [
            _start(record),
            *(f"{record.results[metric]:.3f}" for metric in args.metrics),
            record.epochs,
            f"{record.seconds / 60:.1f}",
        ]
        for record in records
    ]
    note = f"{records[0].software['backend']}, {records[0].hardware}."
    _markdown.replace_section(
        args.readme, args.section, f"{_markdown.table(header, rows)}\n\nMeasured with {note}"
    )


def _measured_on(record: "TrainingRecord") -> dict:
    data = record.data
    counts = ("held_out_images", "validation_images", "test_images")
    return {"name": data["name"], **{name: data[name] for name in counts if name in data}}


def _start(record: "TrainingRecord") -> str:
    start = record.start
    if "preset" in start:
        return f"`{start['preset']}`, strategy `{record.recipe['strategy']}`"
    return f"random weights, as `{start['architecture']}`"


if __name__ == "__main__":
    _cli.run(main, parse_args())
