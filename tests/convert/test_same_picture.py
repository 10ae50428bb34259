"""A converted preset's images are those of timm and torchvision, on photographs of any aspect.

`golden/crop_orders.npz` has a part of a photograph, its pixels in both orders, and timm's.
A change that is meant (presets that exist would see other pixels) is written by

    python -m tests.convert.test_same_picture
"""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.convert._timm_preprocessing import describe_converter, new_converter
from tests.convert import models
from tests.convert.timm_import import import_timm

GOLDEN = Path(__file__).parents[1] / "golden" / "crop_orders.npz"
SAMPLES = Path(__file__).parents[2] / "presets" / "resblock_bn_small" / "samples"
ORDERS = ("crop_then_resize", "resize_then_crop")
INTERPOLATIONS = ("bilinear", "bicubic")
# Left, top, right and bottom: as it is, a panorama, a tall one, of odd sides, and smaller than
# what it is resized to.
WINDOWS = [(0, 0, 192, 192), (0, 70, 191, 111), (60, 0, 103, 192), (9, 30, 190, 131)]
WINDOWS += [(80, 60, 117, 91), (50, 50, 61, 80)]
RAW = {"mean": (0.0,) * 3, "std": (1 / 255,) * 3}


def window(box, sample="coffee"):
    return Image.open(SAMPLES / f"{sample}.jpg").convert("RGB").crop(box)


def pixels_of(converter, image):
    """The converter's image in levels of 0 to 255."""
    seen = keras.ops.convert_to_numpy(converter(np.asarray(image)))
    return (seen - np.array(converter.offset)) / np.array(converter.scale)


def new_raw_converter(**preprocessing):
    return new_converter({**RAW, **preprocessing}, channels=3, for_cifar=False)


def assert_rounded_alike(ours, theirs):
    difference = np.abs(ours - theirs)
    # Pillow rounds to whole levels after the columns and again after the rows, and a bicubic
    # filter weighs one such error with up to 1.3.
    assert difference.mean() < 0.35
    assert np.quantile(difference, 0.99) < 1.2
    # Since version 13, Pillow resizes the rows of some pictures first. Where a bicubic filter
    # overshoots 255 or 0, and both clip, that changes a few pixels.
    assert difference.max() < 5


def assert_same_pixels(converter, transform, images):
    for image in images:
        ours, theirs = pixels_of(converter, image), transform(image).numpy().transpose(1, 2, 0)
        assert ours.shape == theirs.shape
        assert_rounded_alike(ours, theirs)


@pytest.mark.parametrize("size", [(40, 40), (45, 32)], ids=str)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("crop_pct", [0.875, 1.0])
def test_pixels_of_timm(size, interpolation, crop_pct):
    timm = import_timm()
    config = {"interpolation": interpolation, "crop_pct": crop_pct, "crop_mode": "center"}
    transform = timm.data.create_transform((3, *size), **config, **RAW)
    converter = new_raw_converter(input_size=(3, *size), **config)
    assert_same_pixels(converter, transform, map(window, WINDOWS))


def test_squashed_pixels_of_timm():
    timm = import_timm()
    config = {"interpolation": "bicubic", "crop_pct": 0.9, "crop_mode": "squash"}
    transform = timm.data.create_transform((3, 40, 40), **config, **RAW)
    converter = new_raw_converter(input_size=(3, 40, 40), **config)
    assert_same_pixels(converter, transform, map(window, WINDOWS[:4]))


@pytest.mark.parametrize("resize_size", [256, 232], ids=["V1", "V2"])
def test_pixels_of_torchvision(resize_size):
    import_timm()
    from torchvision.transforms._presets import ImageClassification

    preset = ImageClassification(crop_size=224, resize_size=resize_size, **RAW)
    converter = new_raw_converter(input_size=(3, 224, 224), crop_pct=224 / resize_size)
    assert_same_pixels(converter, preset, map(window, WINDOWS[:4]))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_white_beside_black(interpolation):
    # A bicubic filter overshoots here, and Pillow clips after the columns and after the rows.
    timm = import_timm()
    config = {"interpolation": interpolation, "crop_pct": 0.875}
    drawn = np.zeros((70, 110, 3), "uint8")
    drawn[20:52, 31:77] = drawn[30:40, :12] = 255
    transform = timm.data.create_transform((3, 28, 28), **config, **RAW)
    converter = new_raw_converter(input_size=(3, 28, 28), **config)
    assert_same_pixels(converter, transform, [Image.fromarray(drawn)])


def golden_pixels(photograph, order, interpolation):
    converter = krp.ResBlockImageConverter(
        image_size=(24, 24),
        crop_fraction=0.875,
        interpolation=interpolation,
        antialias=True,
        crop_order=order,
    )
    return keras.ops.convert_to_numpy(converter(photograph.astype("float32")))


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_golden_pixels(interpolation):
    golden = np.load(GOLDEN)
    photograph = golden["photograph"]
    for order in ORDERS:
        pixels = golden_pixels(photograph, order, interpolation)
        np.testing.assert_allclose(pixels, golden[f"{order}_{interpolation}"], atol=0.01)
    timms = golden[f"timm_{interpolation}"].astype("float32")
    assert_rounded_alike(pixels, timms)
    # The orders differ on a picture that is not square.
    assert np.abs(golden[f"{ORDERS[0]}_{interpolation}"] - timms).mean() > 2


@pytest.mark.parametrize(
    "changes",
    [
        {"interpolation": "random"},
        {"crop_mode": "border"},
        {"interpolation": "hamming"},
        {"interpolation": "box"},
    ],
)
def test_other_preprocessing_is_refused(changes):
    (given,) = changes.items()
    with pytest.raises(ValueError, match=f"{given[0]}={given[1]!r}"):
        new_raw_converter(**changes)


def test_it_goes_back_to_timm():
    given = {"input_size": [3, 40, 40], "crop_pct": 0.95, "crop_mode": "center", **RAW}
    given |= {"interpolation": "bicubic", "mean": [0.5] * 3, "std": [0.25] * 3}
    preprocessor = krp.ResBlockImageClassifierPreprocessor(new_converter(given, 3, False))
    classifier = models.classifier("resnet18", preprocessor=preprocessor)
    assert describe_converter(classifier) == given


if __name__ == "__main__":
    create_transform = import_timm().data.create_transform
    photograph = window((5, 40, 140, 131), "cat")
    arrays = {"photograph": np.asarray(photograph)}
    for interpolation in INTERPOLATIONS:
        for order in ORDERS:
            pixels = golden_pixels(arrays["photograph"], order, interpolation)
            arrays[f"{order}_{interpolation}"] = pixels
        transform = create_transform((3, 24, 24), interpolation=interpolation, **RAW)
        arrays[f"timm_{interpolation}"] = (
            transform(photograph).numpy().transpose(1, 2, 0).round().astype("uint8")
        )
    np.savez_compressed(GOLDEN, **arrays)
