"""Counts the multiply-adds of recipes' networks for one image, and compares them."""

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

if TYPE_CHECKING:
    import keras

    import keras_resblocks_plugin as krp


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
        count = multiply_adds(backbone, args.image_size)
        rows.append([file.stem, backbone.count_params(), count])
    table = [
        [name, f"{parameters / 1e6:.2f} M", f"{count / 1e6:.1f} M", f"{count / rows[0][2]:.2f}"]
        for name, parameters, count in rows
    ]
    print(_markdown.table(["recipe", "parameters", "multiply-adds", "ratio"], table))


def multiply_adds(backbone: "krp.ResBlockBackbone", image_size: int) -> int:
    """The multiplications of the convolutions for one square image; the rest is a few percent.

    Args:
        backbone: Of any block type, also a user's own.
        image_size: The side of the image in pixels.
    """
    import keras

    import keras_resblocks_plugin as krp

    channels = backbone.image_shape[-1 if backbone.data_format == "channels_last" else 0]
    shape = [image_size, image_size]
    shape.insert(2 if backbone.data_format == "channels_last" else 0, channels)
    sized = krp.ResBlockBackbone.from_config({**backbone.get_config(), "image_shape": shape})
    total = 0
    for layer in sized.layers:
        if isinstance(layer, krp.blocks.ResidualBlock):
            inputs = keras.Input(batch_shape=layer.input.shape)
            terms = [term for term in layer.branches(inputs) if isinstance(term, keras.KerasTensor)]
            graph = keras.Model(inputs, terms)
            total += sum(_count(operation) for operation in graph.operations)
        else:
            total += _count(layer)
    return total


def _count(layer: "keras.Operation") -> int:
    import keras

    if isinstance(layer, keras.layers.Conv2D):
        pixels = math.prod(layer.output.shape[1:]) // layer.filters
        return math.prod(layer.kernel.shape) * pixels
    return 0


if __name__ == "__main__":
    _cli.run(main, parse_args())
