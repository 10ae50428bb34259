"""Draws the residual blocks from the layers that they apply."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

WIDTH = 64


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the PNG file to write")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Draws all block types side by side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from keras_resblocks_plugin.blocks import BLOCK_TYPES

    figure, columns = plt.subplots(1, len(BLOCK_TYPES), figsize=(16, 5.4), layout="constrained")
    for axes, (name, block_cls) in zip(columns, BLOCK_TYPES.items(), strict=True):
        block = block_cls(WIDTH, data_format="channels_last")
        draw(axes, name, residual_steps(block), block.output_activation.__name__)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out, dpi=90, metadata={"Software": None})


def residual_steps(block) -> list[str]:
    """The steps of the residual branch in order, from its graph."""
    import keras

    from keras_resblocks_plugin.blocks._trace import trace_block

    channels = block.filters * block.expansion
    inputs = keras.Input((32, 32, channels))
    block(inputs)
    graph = trace_block(block, block.residual)
    return [step for step in map(describe, graph.operations) if step]


def describe(operation) -> str | None:
    """A convolution, norm or activation in a word; `None` for a layer without effect."""
    import keras

    if isinstance(operation, keras.layers.Conv2D):
        height, width = operation.kernel_size
        return f"{height}×{width} conv, {operation.filters}"
    if isinstance(operation, keras.layers.BatchNormalization):
        return "batch norm"
    if isinstance(operation, (keras.layers.InputLayer, keras.layers.Identity)):
        return None
    return {"relu": "ReLU"}.get(operation.__class__.__name__.lower())


def draw(axes, name: str, steps: list[str], output_activation: str) -> None:
    """One block: the branch from top to bottom, the shortcut around it."""
    colours = {"conv": "#cfe2f3", "batch": "#d9ead3", "ReLU": "#fce5cd"}
    top, gap = 9.0, 1.0
    below = top - gap * (len(steps) + 1)
    centre = 0.0
    axes.text(centre, top + 0.9, name, ha="center", weight="bold", family="monospace", size=12)
    axes.plot([centre, centre], [top + 0.5, below + 0.3], color="black", zorder=0)
    for index, step in enumerate(steps):
        colour = next(value for key, value in colours.items() if key in step)
        box(axes, centre, top - gap * (index + 1), step, colour)
    arrow = {"arrowstyle": "->", "color": "#a61c00"}
    axes.plot([centre, 1.35, 1.35, centre + 0.3], [top, top, below, below], color="#a61c00", lw=1.6)
    axes.annotate("", (centre + 0.26, below), (1.35, below), arrowprops=arrow)
    axes.scatter([centre], [below], s=330, color="white", edgecolors="black", zorder=2)
    axes.text(centre, below - 0.03, "+", ha="center", va="center", size=15)
    end = below - 0.3
    if output_activation != "linear":
        box(axes, centre, below - gap, "ReLU", colours["ReLU"])
        axes.plot([centre, centre], [end, below - gap + 0.3], color="black", zorder=0)
        end = below - gap - 0.3
    axes.annotate("", (centre, end - 0.6), (centre, end), arrowprops={"arrowstyle": "->"})
    axes.set(xlim=(-1.4, 1.6), ylim=(-2.6, 10.4))
    axes.axis("off")


def box(axes, x: float, y: float, text: str, colour: str) -> None:
    """A rounded label over the line."""
    style = {"boxstyle": "round,pad=0.35", "facecolor": colour, "edgecolor": "black", "lw": 0.8}
    axes.text(x, y, text, ha="center", va="center", size=9, bbox=style, zorder=3)


if __name__ == "__main__":
    _cli.run(main, parse_args())
