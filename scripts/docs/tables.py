"""Writes all tables and cards again from the results in this repository; measures nothing.

These are the README's table of presets, their cards and the report on them, and the tables of
fine-tuned and of exported networks.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__)
    parser.add_argument("--root", type=Path, default=Path(), help="the folder of pages and presets")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Writes everything."""
    import compare_runs
    import report

    from keras_resblocks_plugin.hub._card import model_card

    presets = report.read_presets(args.root / "presets")
    write_presets(presets, args.root / "README.md")
    for name in presets:
        model_card(args.root / "presets" / name).save(args.root / "presets" / name / "README.md")
    for task in compare_runs.METRICS:
        compare_runs.write_table(task, compare_runs.RECORDS, args.root / compare_runs.PAGE)
    write_exported(
        compare_runs.RECORDS / "export.json", args.root / "keras_resblocks_plugin/export/README.md"
    )
    report.main(report.parse_args(["--presets", str(args.root / "presets")]))


def write_presets(presets: dict, readme: Path) -> None:
    """The README's table of presets."""
    from _records import accuracy_columns

    from keras_resblocks_plugin._utils import _markdown

    header, accuracy = accuracy_columns(presets)
    rows = [
        [
            f"[`{name}`](presets/{name})",
            f"{record.more['parameters'] / 1e6:.1f} million",
            f"{record.data['name']}, {record.data['train_images']:,} images",
            str(len(record.whole_history)),
            *accuracy[name],
        ]
        for name, record in presets.items()
    ]
    header = ["preset", "parameters", "trained on", "epochs", *header]
    _markdown.replace_section(readme, "presets", _markdown.table(header, rows))


def write_exported(results: Path, page: Path) -> None:
    """The table of the exported formats, if `export` has run."""
    from _records import which_weights

    from keras_resblocks_plugin._utils import _markdown
    from keras_resblocks_plugin.export._measure import report

    if results.exists():
        record = json.loads(results.read_text())
        text = f"{report(record)}\n\n{which_weights(record['preset'], record['weights'])}"
        _markdown.replace_section(page, "export", text)


if __name__ == "__main__":
    _cli.run(main, parse_args())
