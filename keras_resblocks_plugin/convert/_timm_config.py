"""timm's `config.json`: which network, its preprocessing, and the names of its classes."""

import math
import numbers
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter

ARCHITECTURES = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnet50d",
    "resnetv2_50",
)
# What a name has in it → what that network has and no `ResBlockBackbone`.
_REASONS = {
    "_bit": "group norm and weight-standardized convolutions",
    "_gn": "group norm",
    "_evos": "norms that are no batch norm",
    "_frn": "norms that are no batch norm",
    "resnext": "grouped convolutions",
    "wide_": "wider bottlenecks",
    "se": "squeeze-and-excitation",
    "eca": "channel attention",
    "aa": "anti-aliasing",
    "blur": "anti-aliasing",
    "resnetrs": "squeeze-and-excitation and another stem",
}
# Arguments that show in the weights' shapes, or matter to training alone.
_HARMLESS_ARGS = {"layers", "channels", "num_classes", "in_chans", "zero_init_last"} | {
    f"drop_{what}rate" for what in ("", "path_", "block_")
}
# timm's names, which are those of Pillow → Keras'.
INTERPOLATIONS = {
    "bilinear": "bilinear",
    "bicubic": "bicubic",
    "nearest": "nearest",
    "lanczos": "lanczos3",
}


def read_config(file: Path) -> dict[str, Any]:
    """The content of a `config.json`, or of none, checked as far as the network goes.

    Raises:
        ValueError: If it is of a network that cannot be converted.
    """
    if not file.is_file():
        return {}
    config = read_json(file)
    architecture = str(config.get("architecture")).split(".")[0]
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        reasons = [reason for part, reason in _REASONS.items() if part in architecture]
        why = f", which has {reasons[0]}" if reasons else ""
        raise ValueError(
            f"`architecture` in `{file}` must be one that residual blocks of this package make "
            f"up: {known}. Received: {config.get('architecture')!r}{why}"
        )
    arguments = dict(_model_args(config))
    pooling = arguments.pop("global_pool", "avg")
    foreign = sorted(arguments.keys() - _HARMLESS_ARGS)
    if foreign or pooling not in ("avg", "max"):
        raise ValueError(
            f"`model_args` in `{file}` must leave the network as timm defines {architecture}, but "
            f"for layers, channels and pooling by 'avg' or 'max'. Received: "
            f"{ {name: arguments[name] for name in foreign} or {'global_pool': pooling} }"
        )
    return config


def pooling(config: dict[str, Any]) -> str:
    """`"avg"` or `"max"`: how the features of all pixels become one."""
    return _model_args(config).get("global_pool", "avg")


def _model_args(config: dict[str, Any]) -> dict[str, Any]:
    arguments = config.get("model_args")
    return arguments if isinstance(arguments, dict) else {}


def class_names(config: dict[str, Any], num_classes: int) -> list[str] | None:
    """The names of the classes in the order of the labels, where the config has them."""
    names = config.get("label_names") or preprocessing(config).get("label_names")
    if isinstance(names, dict):
        # By label, perhaps with gaps.
        names = [names.get(str(label), str(label)) for label in range(num_classes)]
    return [str(name) for name in names] if names else None


def preprocessing(config: dict[str, Any]) -> dict[str, Any]:
    """The part of the config that says how images are prepared."""
    # In old files it is no part of its own.
    part = config.get("pretrained_cfg")
    return part if isinstance(part, dict) else config


def new_converter(
    preprocessing: dict[str, Any], channels: int, for_cifar: bool
) -> ResBlockImageConverter:
    """What makes of raw images what the network was trained on; ImageNet's where nothing is said.

    Args:
        preprocessing: The part of a config that says how images are prepared.
        channels: How many an image has.
        for_cifar: Whether it is a network for images of 32×32 pixels.

    Raises:
        ValueError: If the converter cannot do what is asked for.
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
            f"The preprocessing must resize by {', '.join(INTERPOLATIONS)} and crop by 'center' "
            f"or 'squash'. Received: interpolation={interpolation!r}, crop_mode={crop_mode!r}"
        )
    mean, std = _numbers("mean", mean), _numbers("std", std)
    if not len(mean) == len(std) == channels:
        raise ValueError(
            f"`mean` and `std` must have one number for each of the network's {channels} channels; "
            "where neither the source nor you say any, ImageNet's three are taken. "
            f"Received: mean={mean}, std={std}"
        )
    return ResBlockImageConverter(
        image_size=tuple(int(side) for side in _numbers("input_size", size)[1:]),
        scale=[1 / (255 * s) for s in std],
        offset=[-m / s for m, s in zip(mean, std, strict=True)],
        crop_fraction=crop_pct,
        crop_to_aspect_ratio=crop_mode == "center",
        interpolation=INTERPOLATIONS[interpolation],
        # As Pillow does.
        antialias=True,
    )


def describe_converter(model: Any) -> dict[str, Any]:
    """What timm's `pretrained_cfg` says of a classifier's converter; nothing where it has none.

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
    # Pixels are from 0 to 1 when timm subtracts the mean.
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
