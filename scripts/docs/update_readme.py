"""Writes the README's table of presets from the presets' own metadata."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__)
    parser.add_argument("--readme", type=Path, default=Path("README.md"), help="the file to change")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Reads every bundled preset's record and replaces the table."""
    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils import _markdown
    from keras_resblocks_plugin.saving._training_record import TrainingRecord

    rows = []
    for name, preset in krp.list_presets().items():
        if preset["source"] != "bundled":
            continue
        record = TrainingRecord.read(preset["handle"])
        results, data = record.results, record.data
        rows.append(
            [
                f"[`{name}`](presets/{name})",
                f"{preset['parameters'] / 1e6:.1f} million",
                f"{data['name']}, {data['train_images']:,} images",
                str(len(record.whole_history)),
                f"{results['validation_top1']:.1%}",
                f"{results['validation_top5']:.1%}",
            ]
        )
    header = ["preset", "parameters", "trained on", "epochs", "top-1", "top-5"]
    _markdown.replace_section(args.readme, "presets", _markdown.table(header, rows))


if __name__ == "__main__":
    _cli.run(main, parse_args())
