"""Writes what ImageNet-1k needs of devices, cores and network, from measured rates."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli

PAGE = Path(__file__).parents[2] / "keras_resblocks_plugin" / "training" / "README.md"
IMAGES, JPEG_BYTES, PARAMETERS = 1_281_167, 110_000, 25_557_032
# Images a second: a training step of ResNet-50 at 224 pixels on an H200, in bfloat16, and decoding
# and cropping on one core by Pillow and by simplejpeg with OpenCV.
DEVICE_RATE, CORE_RATES = 6_654, (671, 968)
# A host of eight accelerators: cores, and the network in Gbit/s to the storage and of gradients.
PER_HOST, CORES, STORAGE, GRADIENTS = 8, 112, 100, 3_200
RECIPES = {"a3": "A3", "goyal2017": "90 epochs, `goyal2017`"}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__, epilog="example: python scripts/study/imagenet_needs.py")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    return parser.parse_args(argv)


def main(args: argparse.Namespace) -> None:
    """Writes the table into the page."""
    from keras_resblocks_plugin._utils._markdown import replace_section, table
    from keras_resblocks_plugin.training import read_recipe

    header = "recipe|accelerators|images/s of the devices|minutes at this rate|cores a host"
    header += "|images, Gbit/s a host|gradients, Gbit/s a host|limit with Pillow, images/s|"
    header = (header + "with simplejpeg").split("|")
    rows = [
        [label, count, *needs(read_recipe(name), count)]
        for name, label in RECIPES.items()
        for count in (1, 8, 64)
    ]
    replace_section(args.page, "imagenet-needs", table(header, rows))


def needs(recipe, accelerators: int) -> list[str]:
    """The columns of a row after the number of accelerators."""
    rate = DEVICE_RATE * (224 / recipe.image_size) ** 2 * accelerators
    hosts = max(1, accelerators // PER_HOST)
    share = min(accelerators, PER_HOST) / PER_HOST
    bits = 8 * JPEG_BYTES / 1e9
    # A ring sends each gradient, of four bytes, almost twice.
    per_image = 2 * (hosts - 1) / hosts * PARAMETERS * 32 / 1e9 / recipe.batch_size
    limits = {"devices": rate, "storage": STORAGE / bits * hosts}
    if per_image:
        limits["gradients"] = GRADIENTS / per_image
    slowest = []
    for core in CORE_RATES:
        limits["cores"] = CORES * share * core * hosts
        name = min(limits, key=limits.get)
        slowest.append(f"{limits[name]:,.0f} ({name})")
    return [
        f"{rate:,.0f}",
        f"{recipe.schedule.epochs * IMAGES / rate / 60:,.0f}",
        " to ".join(f"{rate / hosts / core:.0f}" for core in reversed(CORE_RATES)),
        f"{rate / hosts * bits:.0f}",
        f"{rate * per_image:.0f}",
        *slowest,
    ]


if __name__ == "__main__":
    _cli.run(main, parse_args())
