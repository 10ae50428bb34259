"""Counts the multiply-adds of recipes' networks for one image, and compares them."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__, epilog="example: python scripts/docs/multiply_adds.py scripts/recipes/*.toml"
    )
    parser.add_argument("recipes", type=Path, nargs="+", help="TOML files; ratios are to the first")
    parser.add_argument("--image-size", type=int, default=64, help="side of the image in pixels")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Prints a table."""
    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin._utils import _markdown
    from keras_resblocks_plugin.training._recipe import read_recipe

    rows = []
    for file in args.recipes:
        backbone = krp.ResBlockBackbone(**read_recipe(file).backbone)
        count = krp.diagnostics.multiply_adds(backbone, args.image_size)
        rows.append([file.stem, backbone.count_params(), count])
    table = [
        [name, f"{parameters / 1e6:.2f} M", f"{count / 1e6:.1f} M", f"{count / rows[0][2]:.2f}"]
        for name, parameters, count in rows
    ]
    print(_markdown.table(["recipe", "parameters", "multiply-adds", "ratio"], table))


if __name__ == "__main__":
    _cli.run(main, parse_args())
