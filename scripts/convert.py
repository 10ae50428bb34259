"""Converts a ResNet of timm's, torchvision's or a CIFAR repository's to a preset folder.

The preset has the head, the preprocessing, the names of the classes and a card that says where
the weights come from. A PyTorch checkpoint needs PyTorch, a safetensors file does not.
"""

import argparse
import hashlib
from pathlib import Path

import _cli

from keras_resblocks_plugin._utils._jsonfile import write_json


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

    source = _pinned(args.source)
    model = krp.convert.from_timm(source, names, args.image_size, args.mean, args.std)
    model.save_to_preset(str(args.out))
    record = {"license": args.license, "start": {"converted from": _described(source)}}
    if args.data:
        record["data"] = {"name": args.data}
    write_json(args.out / "training.json", record)
    krp.hub.model_card(args.out).save(args.out / "README.md")
    kind = "ImageClassifier" if isinstance(model, krp.ResBlockImageClassifier) else "Backbone"
    print(f"Saved {args.out}: {model.count_params():,} parameters.")
    print(f'Load it with: keras_hub.models.{kind}.from_preset("{args.out}")')


def _pinned(source: str) -> str:
    """A Hub handle with the commit that it stands for now; files as they are."""
    from keras_resblocks_plugin._hub_client import Handle, NotCachedError, look_up

    if Path(source).exists() or "/" not in source:
        return source
    handle = Handle.parse(source if source.startswith("hf://") else f"hf://{source}")
    try:
        commit, _ = look_up(handle)
    except NotCachedError:
        # Without a network, what was downloaded before is used.
        return str(handle)
    return str(handle._replace(revision=commit))


def _described(source: str) -> str:
    """The source in words that still say what it was when a file is gone."""
    file = Path(source)
    if not file.is_file():
        return file.resolve().name if file.is_dir() else source
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"{file.name}, SHA-256 {digest}"


if __name__ == "__main__":
    _cli.run(main, parse_args())
