"""torchvision's published weights of residual networks: their preprocessing and their classes.

Both versions of a network's weights have the same names and shapes.
"""

import re
import warnings
from collections.abc import Mapping
from typing import Any, NoReturn

VERSIONS = ("V1", "V2")
_CROP = 224
# The sides that images are resized to before they are cropped.
_V1, _V2 = 256, 232
# The names of torchvision's files without the suffix.
_FILES = {
    "resnet18-f37072fd": _V1,
    "resnet34-b627a593": _V1,
    "resnet50-0676ba61": _V1,
    "resnet50-11ad3fa6": _V2,
    "resnet101-63fe2227": _V1,
    "resnet101-cd907fc2": _V2,
    "resnet152-394f9c45": _V1,
    "resnet152-f82ba261": _V2,
    "resnext50_32x4d-7cdf4587": _V1,
    "resnext50_32x4d-1a0047aa": _V2,
    "resnext101_32x8d-8ba56ff5": _V1,
    "resnext101_32x8d-110c445d": _V2,
    # The only weights of this network are called V1, and have the preprocessing of the V2 weights.
    "resnext101_64x4d-173b62eb": _V2,
    "wide_resnet50_2-95faca4d": _V1,
    "wide_resnet50_2-9ba9bcbe": _V2,
    "wide_resnet101_2-32ee1156": _V1,
    "wide_resnet101_2-d733dc28": _V2,
    # Of releases before 0.10.
    "resnet18-5c106cde": _V1,
    "resnet34-333f7ec4": _V1,
    "resnet50-19c8e357": _V1,
    "resnet101-5d3b4d8f": _V1,
    "resnet152-b121ed2d": _V1,
}
_FILE_NAME = re.compile(r"[a-z]+[\w]*-[0-9a-f]{8}(?![0-9a-f])")


def read_preprocessing(
    file_name: str, weights: str | None, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns torchvision's preprocessing as entries of timm's `pretrained_cfg`.

    Args:
        file_name: The name of the weights file.
        weights: `"V1"`, `"V2"`, or `None` if the file's name shows the version.
        arguments: The arguments of the backbone that has the weights.

    Returns:
        The entries; an empty dict if torchvision has no such network.

    Raises:
        ValueError: If `weights` is invalid, contradicts the file's name, or if torchvision has no
            such network.
    """
    version = check_version(weights)
    if not _is_of_torchvision(arguments):
        if version:
            raise ValueError(
                "`weights` chooses between torchvision's versions, and this network is not one of "
                f"torchvision's. Do not pass it. Received: weights={weights!r}"
            )
        return {}
    named = _named_size(file_name)
    size = named or _size(version or "V1", arguments)
    if named and version and named != _size(version, arguments):
        raise ValueError(
            f"`weights` must be the version that the file's name stands for: {file_name} is "
            f"{'V2' if named == _V2 else 'V1'}. Received: weights={weights!r}"
        )
    if not named and not version:
        warnings.warn(
            f"`{file_name}` does not show how images were prepared for its weights. Assuming "
            f'torchvision\'s V1: resized to {size}, cropped to {_CROP}. Pass `weights="V1"` to '
            f'confirm, or `weights="V2"` for torchvision\'s V2 (resized to {_V2}).',
            stacklevel=2,
        )
    return {
        "input_size": (3, _CROP, _CROP),
        "crop_pct": _CROP / size,
        "interpolation": "bilinear",
    }


def check_version(weights: str | None) -> str | None:
    """Returns the version that `weights` stands for.

    Raises:
        ValueError: If `weights` is invalid.
    """
    # torchvision writes `IMAGENET1K_V2`.
    version = weights.removeprefix("IMAGENET1K_") if isinstance(weights, str) else weights
    if version in (None, *VERSIONS):
        return version
    raise ValueError(
        f'`weights` must be "V1" or "V2", as in torchvision. Received: weights={weights!r}'
    )


def is_published(file_name: str, weights: str | None) -> bool:
    """Tells whether weights are torchvision's, which learned ImageNet-1k."""
    return weights is not None or _named_size(file_name) is not None


def _named_size(file_name: str) -> int | None:
    found = _FILE_NAME.search(file_name)
    return _FILES.get(found[0]) if found else None


def _size(version: str, arguments: Mapping[str, Any]) -> int:
    only_v2 = (arguments["block_kwargs"] or {}).get("groups") == 64
    return _V2 if version == "V2" or only_v2 else _V1


def _is_of_torchvision(arguments: Mapping[str, Any]) -> bool:
    return (
        arguments["block_type"] in ("bn", "bottleneck")
        and arguments["input_conv_kernel_sizes"] == [7]
        and not {*(arguments["block_kwargs"] or {})} - {"groups", "base_width"}
    )


def refuse_regnet(source: str) -> NoReturn:
    """Refuses torchvision's RegNets, whose weights have names of their own.

    Raises:
        ValueError: Always.
    """
    raise ValueError(
        f"The weights of `{source}` are a RegNet's in torchvision's layout, which is not read. "
        "timm publishes the same weights: load `hf://timm/regnety_016.tv2_in1k`, or another "
        "of its tags `regnetx_…tv2_in1k` and `regnety_…tv2_in1k`."
    )
