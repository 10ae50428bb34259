"""Trains a classifier by a recipe, and saves it as a preset with its results and card.

Killed and started again with the same arguments, it resumes; started again after it has
finished, it measures and saves again.
"""

import argparse
import dataclasses
from pathlib import Path

import _cli

from keras_resblocks_plugin.training import DistributionConfig, TrainConfig, train


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__,
        epilog="example: python scripts/train.py scripts/recipes/resblock_bn_small.toml "
        "--data path/to/images --out runs/my_resblock",
    )
    parser.add_argument("recipe", type=Path, help="a TOML file, see scripts/recipes")
    parser.add_argument("--data", required=True, help="a folder or Hub id for `load_dataset`")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the run")
    parser.add_argument("--preset", type=Path, help="where the preset goes; OUT/preset if not set")
    parser.add_argument("--start", help="a preset whose weights to start from, head included")
    parser.add_argument("--validation-split", default="validation", help="the split reported on")
    _cli.add_columns(parser)
    _cli.add_skip_unreadable(parser)
    parser.add_argument("--license", default="other", help="for the card: that of the weights")
    parser.add_argument("--data-license", default="", help="for the card: the licence of the data")
    parser.add_argument(
        "--bfloat16",
        action="store_true",
        help="store the weights in half the size if no accuracy moves by more than 0.1 points",
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and held-out rows")
    parser.add_argument("--epochs", type=int, help="in place of the recipe's")
    parser.add_argument(
        "--dtype", choices=("float32", "mixed_bfloat16"), help="in place of the recipe's"
    )
    _cli.add_distribution(parser)
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Maps the command line to `train()`."""
    values = {key: value for key, value in vars(args).items() if key != "debug"}
    flags = [field.name for field in dataclasses.fields(DistributionConfig)]
    distribution = DistributionConfig(**{flag: values.pop(flag) for flag in flags})
    train(TrainConfig(**values, distribution=distribution))


if __name__ == "__main__":
    _cli.run(main, parse_args())
