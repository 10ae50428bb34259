"""Converts a ResNet of timm's, torchvision's or a CIFAR repository's to a preset folder.

The preset has the head, the preprocessing, the names of the classes and a card that says where
the weights come from. A PyTorch checkpoint needs PyTorch, a safetensors file does not.
"""

import argparse
from pathlib import Path

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(
        __doc__, epilog="example: python scripts/convert.py timm/resnet50.a1_in1k --out resblock_50"
    )
    parser.add_argument(
        "source", help="a Hub handle, a folder that timm saved, or a .safetensors or .pth file"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder of the preset")
    own = parser.add_argument_group("what the source does not say, or says wrongly")
    own.add_argument(
        "--class-names", type=Path, metavar="FILE", help="one class a line, in the labels' order"
    )
    own.add_argument("--image-size", type=int, help="the side of the images")
    for name, what in (("mean", "mean"), ("std", "standard deviation")):
        own.add_argument(
            f"--{name}", type=float, nargs="+", help=f"the {what} of each channel, from 0 to 1"
        )
    own.add_argument("--data", help="for the card: the data that the weights were trained on")
    own.add_argument("--license", default="other", help="for the card: that of the weights")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Converts, saves, and says how to load it."""
    names = args.class_names and args.class_names.read_text(encoding="utf-8").splitlines()

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.saving._source import Source

    source = Source.of(args.source, args.license, args.data)
    model = krp.convert.from_timm(str(source), names, args.image_size, args.mean, args.std)
    model.save_to_preset(str(args.out))
    source.record().save(args.out)
    krp.hub.model_card(args.out).save(args.out / "README.md")
    kind = "ImageClassifier" if isinstance(model, krp.ResBlockImageClassifier) else "Backbone"
    print(f"Saved {args.out}: {model.count_params():,} parameters.")
    print(f'Load it with: keras_hub.models.{kind}.from_preset("{args.out}")')


if __name__ == "__main__":
    _cli.run(main, parse_args())
