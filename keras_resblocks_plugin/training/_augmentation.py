"""The keys of a recipe for random changes of the training images."""

import dataclasses
from typing import Any

# The type of a key that has a lower and an upper bound.
Pair = tuple[float, float]

_PROBABILITIES = ("cutmix_probability", "crop_probability", "crop_until", "erasing_probability")
_CHOICES = {
    "mixup_mode": ("elem", "batch"),
    "crop_interpolation": ("bilinear", "bicubic", "random"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of the training images.

    Args:
        flip: bool. Whether to mirror images left to right. Defaults to `True`.
        translation: float. The largest shift, as a share of the side. Defaults to `0.1`.
        zoom: float. The largest change of scale, as a share of the side. Defaults to `0.0`.
        mixup_alpha: float. The strength of MixUp; `0.0` turns it off. Defaults to `0.0`.
        cutmix_probability: float. The share of batches that CutMix mixes. MixUp mixes the others.
            Defaults to `0.0`.
        cutmix_alpha: float. The parameter of CutMix's Beta distribution; `0.0` draws it for each
            batch from `[0, 1)`, as `keras.layers.CutMix` does. Defaults to `0.0`.
        mixup_mode: str. `"elem"` draws MixUp's weight and CutMix's box for each image, and the
            box lies inside the image, as in Keras. `"batch"` draws one for the whole batch, and
            clips the box at the border, as in timm and torchvision. Defaults to `"elem"`.
        crop_probability: float. The share of images that are randomly cropped and resized; the
            others show the largest centered square. Defaults to `0.0`.
        crop_scale: pair of floats. The area of the crop, as a share of the picture. Defaults to
            `(0.08, 1.0)`.
        crop_ratio: pair of floats. The aspect ratio of the crop. Defaults to `(3 / 4, 4 / 3)`.
        crop_interpolation: str. `"bilinear"`, `"bicubic"`, or `"random"`, which draws one of them
            for each image. Defaults to `"bilinear"`.
        crop_until: float. The share of the run after which images are no longer cropped.
            Defaults to `1.0`.
        brightness: float. The largest change of brightness by color jitter, as a share. Defaults
            to `0.0`.
        contrast: float. The largest change of contrast, as a share. Defaults to `0.0`.
        saturation: float. The largest change of saturation, as a share. Defaults to `0.0`.
        hue: float. The largest change of hue, as a share of the color circle, at most `0.5`.
            Defaults to `0.0`.
        rand_augment: int. The number of RandAugment's operations; `0` turns it off. Each is
            applied with a probability of 0.5, as in timm. Defaults to `0`.
        rand_augment_magnitude: float. The mean magnitude of the operations, from 0 to 10.
            Defaults to `9.0`.
        rand_augment_std: float. The standard deviation of their magnitude. Defaults to `0.5`.
        trivial_augment: bool. Whether to apply one operation of TrivialAugment (wide). Defaults
            to `False`.
        erasing_probability: float. The share of images that random erasing changes. Defaults to
            `0.0`.
        erasing_scale: pair of floats. The erased area, as a share of the image. Defaults to
            `(0.02, 0.33)`.
        erasing_ratio: pair of floats. The aspect ratio of the erased area. Defaults to
            `(0.3, 3.3)`.
        rotation: float. The largest rotation either way, in degrees. Defaults to `0.0`.
        repeated_augmentation: int. How often a batch has each of its images, every time with
            other random changes. Defaults to `1`.

    Raises:
        ValueError: If a value is out of range.
    """

    flip: bool = True
    translation: float = 0.1
    zoom: float = 0.0
    mixup_alpha: float = 0.0
    cutmix_probability: float = 0.0
    cutmix_alpha: float = 0.0
    mixup_mode: str = "elem"
    crop_probability: float = 0.0
    crop_scale: Pair = (0.08, 1.0)
    crop_ratio: Pair = (3 / 4, 4 / 3)
    crop_interpolation: str = "bilinear"
    crop_until: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    rand_augment: int = 0
    rand_augment_magnitude: float = 9.0
    rand_augment_std: float = 0.5
    trivial_augment: bool = False
    erasing_probability: float = 0.0
    erasing_scale: Pair = (0.02, 0.33)
    erasing_ratio: Pair = (0.3, 3.3)
    rotation: float = 0.0
    repeated_augmentation: int = 1

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == Pair:
                # TOML and JSON have lists, which do not equal the default.
                value = tuple(value)
                object.__setattr__(self, field.name, value)
            _check(field.name, value)


def _check(key: str, value: Any) -> None:
    if key in _CHOICES:
        fits, rule = value in _CHOICES[key], f"one of {', '.join(map(repr, _CHOICES[key]))}"
    elif key in _PROBABILITIES:
        fits, rule = 0 <= value <= 1, "between 0 and 1"
    elif key.endswith("_scale"):
        fits, rule = 0 < value[0] <= value[1] <= 1, "two shares in ascending order, above 0"
    elif key.endswith("_ratio"):
        fits, rule = 0 < value[0] <= value[1], "two positive numbers in ascending order"
    elif key == "hue":
        fits, rule = 0 <= value <= 0.5, "between 0 and 0.5"
    elif key == "rand_augment_magnitude":
        fits, rule = 0 <= value <= 10, "between 0 and 10"
    elif key == "repeated_augmentation":
        fits, rule = value >= 1, "at least 1"
    else:
        fits, rule = value >= 0, "at least 0"
    if not fits:
        raise ValueError(f"`{key}` must be {rule}. Received: {value!r}")
