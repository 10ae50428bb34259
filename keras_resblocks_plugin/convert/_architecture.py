"""The `ResBlockBackbone` that PyTorch weights belong to."""

from collections.abc import Mapping
from typing import Any

from keras_resblocks_plugin.convert._cifar import cifar_family
from keras_resblocks_plugin.convert._family import Family, conv_shape
from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.convert._timm_networks import (
    RESNET_D_FAMILY,
    RESNET_FAMILY,
    RESNET_V2_FAMILY,
)
from keras_resblocks_plugin.convert._transfer import Tensor


def read_architecture(tensors: Mapping[str, Tensor], source: str) -> tuple[dict[str, Any], Layout]:
    """Returns the arguments of the backbone that has these weights, and the weights' layout.

    Raises:
        ValueError: If the weights belong to no family that is known here.
    """
    family = _find_family(tensors, source)
    return family.read(tensors, source), family.layout


def _find_family(tensors: Mapping[str, Tensor], source: str) -> Family:
    if "stem.conv.weight" in tensors:
        return RESNET_V2_FAMILY
    if "conv1.0.weight" in tensors:
        return RESNET_D_FAMILY
    # A 3×3 kernel in the stem belongs to a network for images of 32×32 pixels.
    if conv_shape(tensors, "conv1.weight", source)[2] == 3:
        return cifar_family(tensors)
    return RESNET_FAMILY
