"""timm's preprocessing as an image converter, and an image converter as timm's preprocessing."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter

# timm's names, which are Pillow's → Keras'.
INTERPOLATIONS = {
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "nearest": "nearest",
    "lanczos": "lanczos3",
}


def new_converter(
    preprocessing: dict[str, Any], channels: int, for_cifar: bool
) -> ResBlockImageConverter:
    """Makes the converter of timm's preprocessing. Missing values default to ImageNet's.

    Args:
        preprocessing: The part of a config that describes the preprocessing.
        channels: The number of channels of an image.
        for_cifar: Whether the network is one for images of 32×32 pixels.

    Raises:
        ValueError: If the converter cannot do this preprocessing.
    """
    default = {
        "input_size": (3, 32, 32) if for_cifar else (3, 224, 224),
        "crop_pct": 1.0 if for_cifar else 0.875,
        "crop_mode": "center",
        "interpolation": "bilinear",
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
    }
    size, crop_pct, crop_mode, interpolation, mean, std = (
        preprocessing.get(name) or value for name, value in default.items()
    )
    if interpolation not in INTERPOLATIONS or crop_mode not in ("center", "squash"):
        raise ValueError(
            f"`interpolation` of the preprocessing must be one of {', '.join(INTERPOLATIONS)}, and "
            f"`crop_mode` 'center' or 'squash'. "
            f"Received: interpolation={interpolation!r}, crop_mode={crop_mode!r}"
        )
    mean, std = _numbers("mean", mean), _numbers("std", std)
    if not len(mean) == len(std) == channels:
        raise ValueError(
            f"`mean` and `std` must have one number for each of the network's {channels} channels. "
            "Pass them to `from_timm`; their defaults are ImageNet's three. "
            f"Received: mean={mean}, std={std}"
        )
    return ResBlockImageConverter(
        image_size=tuple(int(side) for side in _numbers("input_size", size)[1:]),
        scale=[1 / (255 * s) for s in std],
        offset=[-m / s for m, s in zip(mean, std, strict=True)],
        crop_fraction=crop_pct,
        crop_to_aspect_ratio=crop_mode == "center",
        crop_order="resize_then_crop",
        interpolation=INTERPOLATIONS[interpolation],
        # Pillow always does.
        antialias=True,
    )


def describe_converter(model: Any) -> dict[str, Any]:
    """Describes a classifier's preprocessing as timm's `pretrained_cfg` does.

    Returns:
        The keys of the preprocessing; an empty dict if the model has no converter.

    Raises:
        ValueError: If timm cannot do what the converter does.
    """
    converter = getattr(getattr(model, "preprocessor", None), "image_converter", None)
    if converter is None:
        return {}
    names = {keras_name: name for name, keras_name in INTERPOLATIONS.items()}
    if converter.pad_to_aspect_ratio or converter.interpolation not in names:
        raise ValueError(
            "`pad_to_aspect_ratio` must be False in the converter, since timm pads with grey and "
            f"not with black, and `interpolation` one of {', '.join(names)}. Received: "
            f"pad_to_aspect_ratio={converter.pad_to_aspect_ratio}, "
            f"interpolation={converter.interpolation!r}"
        )
    channels = model.backbone.image_shape[0 if converter.data_format == "channels_first" else -1]
    scale = np.broadcast_to(1.0 if converter.scale is None else converter.scale, channels)
    offset = np.broadcast_to(0.0 if converter.offset is None else converter.offset, channels)
    # timm scales pixels to [0, 1] before it subtracts the mean.
    std = 1 / (255 * scale)
    described = {
        "mean": [round(value, 9) for value in (-offset * std).tolist()],
        "std": [round(value, 9) for value in std.tolist()],
        "interpolation": names[converter.interpolation],
        "crop_pct": converter.crop_fraction,
        "crop_mode": "center" if converter.crop_to_aspect_ratio else "squash",
    }
    if converter.image_size is not None:
        described["input_size"] = [channels, *converter.image_size]
    return described


def _numbers(name: str, values: Any) -> list[float]:
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    if not is_list or not all(isinstance(v, numbers.Real) and math.isfinite(v) for v in values):
        raise ValueError(f"`{name}` must be a list of numbers. Received: {name}={values!r}")
    if name != "mean" and min(values, default=0) <= 0:
        raise ValueError(f"`{name}` must be above zero. Received: {name}={values!r}")
    return [float(value) for value in values]
