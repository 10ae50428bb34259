"""Measures the accuracy of a preset on a split of a dataset."""

import argparse
from pathlib import Path

import _cli

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin.training import EvaluateConfig, evaluate


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/evaluate.py resblock_bn_small --data path/to/images "
        "--cache runs/cache",
    )
    parser.add_argument("preset", help="a name, a folder, or hf://user/name")
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    parser.add_argument("--split", default="validation", help="the split to measure on")
    parser.add_argument("--cache", type=Path, required=True, help="a folder for decoded images")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--batch-size", type=int, default=250, help="images a step")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Prints what `evaluate()` measures as JSON."""
    values = {key: value for key, value in vars(args).items() if key != "debug"}
    results = evaluate(EvaluateConfig(**values))
    print(to_json({"preset": args.preset, "split": args.split, **results}))


if __name__ == "__main__":
    _cli.run(main, parse_args())
