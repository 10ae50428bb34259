"""The classes of timm's weights: their number and their names."""

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_resblocks_plugin.convert import _timm_config

IMAGENET_FILE = Path(__file__).with_name("imagenet_classes.txt")
_IMAGENET_CLASSES = 1000
# The data of each step of the training: "sw_in12k_ft_in1k" was fine-tuned on ImageNet-1k.
_DATA_IN_TAG = re.compile(r"(?<![a-z0-9])in\d+k(?![a-z0-9])")


def num_classes(config: dict[str, Any]) -> int | None:
    """Returns the number of classes in a `config.json`; `None` without a head or a number."""
    found = config.get("num_classes", _timm_config.preprocessing(config).get("num_classes"))
    return found if type(found) is int and found > 0 else None


def class_names(
    config: dict[str, Any], source: str, num_classes: int, is_of_imagenet: bool = False
) -> Sequence[str] | None:
    """Returns the names of the classes in the order of the labels.

    They are the config's, or ImageNet-1k's if the tag of the weights says so.

    Args:
        config: The content of `config.json`; empty without one.
        source: The handle or path, whose name may end in the tag.
        num_classes: The number of classes.
        is_of_imagenet: Whether the weights are known to be ImageNet-1k's.
    """
    names = _timm_config.class_names(config, num_classes)
    if names or num_classes != _IMAGENET_CLASSES:
        return names
    found = _timm_config.preprocessing(config)
    places = (found.get("tag"), config.get("architecture"), found.get("hf_hub_id"), source)
    is_of_imagenet = is_of_imagenet or any(map(_is_of_imagenet, places))
    return imagenet_class_names() if is_of_imagenet else None


def _is_of_imagenet(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    # The last part of an address, without the revision.
    name = text.split("@")[0].rstrip("/").split("/")[-1]
    return _DATA_IN_TAG.findall(name)[-1:] == ["in1k"]


@functools.cache
def imagenet_class_names() -> tuple[str, ...]:
    """Returns the names of ImageNet-1k's classes in the order of the labels."""
    lines = IMAGENET_FILE.read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))
