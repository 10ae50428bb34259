"""Shows what a classifier sees in an image, where, and what its blocks do with it.

One picture: the image, the likeliest classes, a class-activation map of each of the first three
over the image, and for every block the size of its residual branch beside its shortcut.
"""

import argparse
from pathlib import Path

import _cli

# The side of the image in the picture, in pixels.
SHOWN = 320
MAPPED = 3


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/explain.py cat.jpg")
    parser.add_argument(
        "image",
        type=Path,
        help="an image file, resized as the preset's converter does; its middle square is used "
        "where the converter has no size, or one that is not square",
    )
    parser.add_argument("--preset", default="resblock_bn_small", help="a name, folder or handle")
    parser.add_argument("--out", type=Path, default=Path("explain.png"), help="the PNG to write")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Predicts, maps, measures and draws."""
    import keras
    import numpy as np

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.diagnostics._activation_maps import activation_maps
    from keras_resblocks_plugin.training._divergence import check_predictions
    from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image
    from keras_resblocks_plugin.training.data._resizing import Converted, Square

    try:
        image = read_image(args.image)
    except UnreadableImage as error:
        raise ValueError(f"The image {args.image}: {error}") from None
    classifier = krp.ResBlockImageClassifier.from_preset(args.preset)
    converter = classifier.preprocessor.image_converter
    height, width = converter.image_size or (None, None)
    if height is None or height != width:
        # The maps are of squares.
        image = Square(min(image.shape[:2]))(image)
    batch = image[None].astype("float32")
    logits = classifier.predict(batch, verbose=0)
    check_predictions(logits)
    (guesses,) = classifier.decode_predictions(logits, top=5)
    likeliest = np.argsort(-logits[0])[:MAPPED]
    pixels = keras.ops.convert_to_numpy(converter(batch))[0]
    maps = activation_maps(classifier, pixels, likeliest)
    blocks = krp.ResidualDiagnostics.measure(classifier, batch)
    # The part that the network sees, in more pixels.
    larger = {**converter.get_config(), "image_size": (SHOWN, SHOWN)}
    shown = Converted(type(converter).from_config(larger))(image)
    # Bicubic resizing leaves the range of pixels.
    shown = np.clip(np.round(shown), 0, 255).astype("uint8")
    draw(args.out, shown, guesses, maps, blocks)
    for name, chance in guesses:
        print(f"{chance:6.1%}  {name}")
    print(f"Saved {args.out}")


def draw(out: Path, image, guesses, maps, blocks) -> None:
    """Lays the picture out: image and maps above, classes and blocks below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7.2), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3.4, 3))
    panels = above.subplots(1, 1 + len(maps))
    # One scale for all of them; above zero, should nothing speak for any.
    most = max(float(maps.max()), 1e-6)
    panels[0].imshow(image)
    panels[0].set_title("image")
    for axes, map_, (name, chance) in zip(panels[1:], maps, guesses, strict=False):
        overlay = draw_map(axes, image, map_, most)
        axes.set_title(f"{name}, {chance:.0%}")
    for axes in panels:
        axes.axis("off")
    bar = above.colorbar(overlay, ax=panels, shrink=0.85, ticks=[0, most])
    bar.ax.set_yticklabels(["none", "most"])
    bar.set_label("speaks for the class", labelpad=-12)
    classes, ratios = below.subplots(1, 2, width_ratios=(1, 1.3))
    draw_classes(classes, guesses)
    draw_ratios(ratios, blocks["residual_ratio"])
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=100, metadata={"Software": None})


def draw_map(axes, image, map_, most: float):
    """A map over the image in grey: clear where nothing speaks for the class."""
    import numpy as np
    from PIL import Image

    # Neighbouring places differ by what little each look differs, so two are averaged.
    smooth = Image.fromarray(map_.astype("float32")).reduce(2)
    smooth = smooth.resize(image.shape[:2], Image.Resampling.BICUBIC)
    evidence = np.clip(np.asarray(smooth), 0, most)
    axes.imshow(image.mean(axis=-1), cmap="gray")
    return axes.imshow(
        evidence, cmap="inferno", vmin=0, vmax=most, alpha=0.75 * np.sqrt(evidence / most)
    )


def draw_classes(axes, guesses) -> None:
    """The likeliest classes as bars."""
    names, chances = zip(*reversed(guesses), strict=True)
    bars = axes.barh(names, chances, color="#3d6ea5")
    axes.bar_label(bars, [f"{chance:.0%}" for chance in chances], padding=4)
    axes.set(title="likeliest classes", xlim=(0, 1.12))
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.set_xticks([])


def draw_ratios(axes, ratios: dict[str, float]) -> None:
    """The blocks in their order: how much each adds to what it passes on."""
    axes.bar(list(ratios), list(ratios.values()), color="#5b8c5a")
    axes.axhline(1, color="black", lw=0.8, ls=":")
    axes.set(
        title="blocks, from the image to the head; at 1 both terms are as large",
        ylabel="‖residual‖ / ‖shortcut‖",
    )
    axes.tick_params("x", rotation=30)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    _cli.run(main, parse_args())
