"""Compares converted presets' pixels with those of timm, torchvision and Keras Applications."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

import _cli
from _timm_network import import_timm

RAW = {"mean": (0.0,) * 3, "std": (1 / 255,) * 3}
# A name, and left, top, right and bottom as parts of the width and height.
WINDOWS = {
    "whole": (0, 0, 1, 1),
    "panorama": (0, 0.4, 1, 0.6),
    "tall": (0.4, 0, 0.57, 1),
    "odd": (0.013, 0.02, 0.83, 0.91),
    "small": (0.3, 0.3, 0.47, 0.52),
}
SIZES = ((64, 64), (224, 224), (96, 160))
CROPS = (0.875, 0.95, 1.0)
PRESET = "resblock_bn_small"


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__)
    parser.add_argument("--photographs", default="../shared/data/camvid-small", help="a dataset")
    parser.add_argument("--labelled", default="../shared/data/tiny-imagenet-100", help="a dataset")
    parser.add_argument("--count", type=int, default=20, help="photographs a row of the table")
    parser.add_argument("--images", type=int, default=1000, help="images to classify")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("preprocessing.json"), help="results"
    )
    return parser.parse_args()


def read(data: str, count: int) -> list[Image.Image]:
    """Reads photographs at even distances from the whole validation split."""
    import datasets

    split = datasets.load_dataset(data, split="validation")
    rows = np.linspace(0, len(split) - 1, count).astype(int)
    return [image.convert("RGB") for image in split.select(rows)["image"]]


def cut(image: Image.Image, window: tuple[float, ...]) -> Image.Image:
    """Cuts out a part of an image."""
    return image.crop([round(x * side) for x, side in zip(window, image.size * 2, strict=True)])


def enlarged(image: Image.Image, row: int) -> Image.Image:
    """Enlarges a part of a small image, of an aspect ratio that depends on the row."""
    aspect = (0.5, 0.75, 1.34, 1.8)[row % 4]
    width, height = (1, 1 / aspect) if aspect > 1 else (aspect, 1)
    part = cut(image, ((1 - width) / 2, (1 - height) / 2, (1 + width) / 2, (1 + height) / 2))
    return part.resize((part.width * 4 + row % 7, part.height * 4), Image.Resampling.BICUBIC)


def difference(
    converter: Callable, transform: Callable, images: Iterable[Image.Image]
) -> dict[str, float]:
    """Compares two pipelines.

    Returns:
        The mean of the differences of an image's pixels, the largest of these means, and the
        largest difference of all, in levels of 255.
    """
    import keras

    means, largest = [], 0.0
    for image in images:
        ours = keras.ops.convert_to_numpy(converter(np.asarray(image)))
        apart = np.abs(ours - np.asarray(transform(image)).transpose(1, 2, 0))
        means.append(apart.mean())
        largest = max(largest, apart.max())
    numbers = {"mean": np.mean(means), "worst_image": max(means), "largest": largest}
    return {name: round(float(value), 3) for name, value in numbers.items()}


def converter_of(**preprocessing: Any) -> Any:
    """The converter of a config of timm's, whose output are raw pixels."""
    from keras_resblocks_plugin.convert._timm_preprocessing import new_converter

    return new_converter({**RAW, **preprocessing}, channels=3, for_cifar=False)


def compare_pixels(photographs: list[Image.Image]) -> list[dict[str, Any]]:
    """Compares with timm and torchvision; the last rows have the default order."""
    from timm.data import create_transform
    from torchvision.transforms._presets import ImageClassification

    rows = []

    def add(pipeline: str, converter: Any, transform: Callable) -> None:
        for name, window in WINDOWS.items():
            images = [cut(image, window) for image in photographs]
            rows.append({"pipeline": pipeline, "window": name})
            rows[-1] |= difference(converter, transform, images)

    for interpolation in ("bilinear", "bicubic"):
        for size in SIZES:
            for crop in CROPS:
                config = {"interpolation": interpolation, "crop_pct": crop, "crop_mode": "center"}
                transform = create_transform((3, *size), **config, **RAW)
                name = f"timm, {size[0]}×{size[1]}, crop {crop}, {interpolation}"
                add(name, converter_of(input_size=(3, *size), **config), transform)
    for version, side in (("V1", 256), ("V2", 232)):
        transform = ImageClassification(crop_size=224, resize_size=side, **RAW)
        converter = converter_of(input_size=(3, 224, 224), crop_pct=224 / side)
        add(f"torchvision {version}", converter, transform)
    converter = converter_of(input_size=(3, 64, 64), crop_pct=0.875)
    before = type(converter).from_config(
        {**converter.get_config(), "crop_order": "crop_then_resize"}
    )
    transform = create_transform((3, 64, 64), crop_pct=0.875, **RAW)
    add("timm, 64×64, crop 0.875, bilinear, if cropped first", before, transform)
    return rows


def compare_applications(photographs: list[Image.Image]) -> dict[str, float]:
    """Compares scale and offset with `preprocess_input`, in its own units.

    Keras Applications define no resizing. The channels of "caffe" are reversed: a converted
    preset reverses those of its first kernel.
    """
    import keras

    import keras_resblocks_plugin as krp

    caffe = {"offset": [-123.68, -116.779, -103.939]}
    modes = {"caffe": caffe, "tf": {"scale": 1 / 127.5, "offset": -1.0}}
    images = np.stack([np.asarray(image.resize((224, 224))) for image in photographs])
    found = {}
    for mode, scaling in modes.items():
        package = keras.applications.resnet if mode == "caffe" else keras.applications.resnet_v2
        theirs = package.preprocess_input(images.astype("float32"))
        theirs = theirs[..., ::-1] if mode == "caffe" else theirs
        converter = krp.ResBlockImageConverter(
            image_size=(224, 224), crop_order="resize_then_crop", **scaling
        )
        ours = keras.ops.convert_to_numpy(converter(images))
        found[mode] = float(f"{np.abs(ours - theirs).max():.2g}")
    return found


def compare_predictions(photographs: list[Image.Image]) -> dict[str, float]:
    """Feeds both pipelines' pixels at 64 to a bundled network, and counts equal classes."""
    import keras
    from timm.data import create_transform

    import keras_resblocks_plugin as krp

    classifier = krp.ResBlockImageClassifier.from_preset(PRESET)
    scale_only = classifier.preprocessor.image_converter
    scale_only = type(scale_only).from_config({**scale_only.get_config(), "image_size": None})
    classifier.preprocessor = None
    same = {}
    for interpolation in ("bilinear", "bicubic"):
        config = {"interpolation": interpolation, "crop_pct": 64 / 73}
        transform = create_transform((3, 64, 64), **config, **RAW)
        ours = converter_of(input_size=(3, 64, 64), **config)
        first = type(ours).from_config({**ours.get_config(), "crop_order": "crop_then_resize"})
        pipelines = {
            "theirs": lambda image, t=transform: t(image).numpy().transpose(1, 2, 0),
            "ours": lambda image, c=ours: keras.ops.convert_to_numpy(c(np.asarray(image))),
            "cropped first": lambda image, c=first: keras.ops.convert_to_numpy(
                c(np.asarray(image, "float32"))
            ),
        }
        classes = {}
        for name, pipeline in pipelines.items():
            batch = np.stack([pipeline(image) for image in photographs])
            classes[name] = classifier.predict(scale_only(batch), verbose=0).argmax(-1)
        for name in ("ours", "cropped first"):
            agreed = (classes[name] == classes["theirs"]).mean()
            same[f"{interpolation}, {name}"] = round(float(agreed), 4)
    return same


def main(args: argparse.Namespace) -> None:
    """Measures, prints tables, and writes the results."""
    import keras
    import PIL

    from keras_resblocks_plugin._utils import _jsonfile, _markdown

    timm = import_timm()
    labelled = read(args.labelled, args.images)
    large = [enlarged(image, row) for row, image in enumerate(labelled)]
    photographs = read(args.photographs, args.count) + large[:: max(1, args.images // args.count)]
    record = {
        "software": {
            "backend": f"{keras.backend.backend()}, Keras {keras.__version__}",
            "timm": timm.__version__,
            "pillow": PIL.__version__,
        },
        "photographs": len(photographs),
        "pixels": compare_pixels(photographs),
        "keras_applications_largest": compare_applications(photographs),
        "predicted_images": len(large),
        "same_class": compare_predictions(large),
    }
    header = ["pipeline", "window", "mean", "worst image", "largest"]
    print(_markdown.table(header, [row.values() for row in record["pixels"]]))
    print(f"Keras Applications, largest difference: {record['keras_applications_largest']}")
    print(f"Same class, of {len(large)} images: {record['same_class']}")
    _jsonfile.write_json(args.out, record)
    print(f"Wrote {args.out}")


if __name__ == "__main__":
    _cli.run(main, parse_args())
