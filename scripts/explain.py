"""Shows what a classifier sees in an image, where, and what its blocks do with it.

One picture: the image, the likeliest classes, a class-activation map of each of the first three
over the image, and for every block the size of its residual branch beside its shortcut.
"""

import argparse
from pathlib import Path

import _cli


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
    """Explains a prediction in a picture, and prints the likeliest classes."""
    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image

    try:
        image = read_image(args.image)
    except UnreadableImage as error:
        raise ValueError(f"The image {args.image}: {error}") from None
    classifier = krp.ResBlockImageClassifier.from_preset(args.preset)
    for name, chance in krp.diagnostics.explain(classifier, image, args.out):
        print(f"{chance:6.1%}  {name}")
    print(f"Saved {args.out}")


if __name__ == "__main__":
    _cli.run(main, parse_args())
