"""The `ResBlockBackbone` that PyTorch weights belong to."""

from collections.abc import Mapping
from typing import Any

from keras_resblocks_plugin.convert._cifar import cifar_family
from keras_resblocks_plugin.convert._family import Family, conv_shape
from keras_resblocks_plugin.convert._layouts import REGNET, Layout, resnet_layout, resnet_v2_layout
from keras_resblocks_plugin.convert._torchvision import refuse_regnet
from keras_resblocks_plugin.convert._transfer import Tensor


def read_architecture(tensors: Mapping[str, Tensor], source: str) -> tuple[dict[str, Any], Layout]:
    """Returns the arguments of the backbone that has these weights, and the weights' layout.

    Raises:
        ValueError: If the weights belong to no family that is known here.
    """
    family = _find_family(tensors, source)
    return family.read(tensors, source), family.layout


def _find_family(tensors: Mapping[str, Tensor], source: str) -> Family:
    if "s1.b1.conv1.conv.weight" in tensors:
        return Family(
            REGNET,
            stem=("stem.conv",),
            block_types=("regnet", "regnet"),
            input_pooling=None,
            stack_strides=2,
        )
    if any(f"stem.{conv}.weight" in tensors for conv in ("conv", "conv1")):
        return _resnet_v2_family(tensors)
    if "conv1.0.weight" in tensors:
        return _deep_family(tensors)
    if "conv_1_3x3.weight" in tensors:
        return cifar_family(tensors)
    if any(name.startswith("trunk_output.block1.") for name in tensors):
        refuse_regnet(source)
    # A 3×3 kernel in the stem belongs to a network for images of 32×32 pixels.
    if conv_shape(tensors, "conv1.weight", source)[2] == 3:
        return cifar_family(tensors)
    averages = _averages(tensors)
    return Family(
        resnet_layout(num_input_convs=1, averages=averages),
        stem=("conv1",),
        shortcut="avg_pool" if averages else None,
    )


def _deep_family(tensors: Mapping[str, Tensor]) -> Family:
    averages = _averages(tensors)
    projects = "layer1.0.downsample.1.weight" in tensors
    stem, options = ("conv1.0", "conv1.3", "conv1.6"), {}
    if "maxpool.0.weight" in tensors:
        stem += ("maxpool.0",)
        options = {"input_pooling": None, "pools_by_convolution": True}
    return Family(
        resnet_layout(len(stem), averages),
        stem,
        shortcut=("avg_pool" if projects else "auto_avg_pool") if averages else None,
        **options,
    )


def _resnet_v2_family(tensors: Mapping[str, Tensor]) -> Family:
    basic = "stages.0.blocks.0.conv3.weight" not in tensors
    if "stem.conv.weight" in tensors:
        if not basic and "norm.running_mean" not in tensors:
            return Family(
                resnet_v2_layout(num_input_convs=1),
                stem=("stem.conv",),
                shortcut="projection",
                block_types=("bit", "bit"),
                input_pooling="max_zero_padded",
            )
        stem, shortcut = ("stem.conv",), None if basic else "projection"
    else:
        # All networks of timm that have such a stem also average in their shortcuts.
        stem = ("stem.conv1", "stem.conv2", "stem.conv3")
        shortcut = "auto_avg_pool" if basic else "avg_pool"
    layout = resnet_v2_layout(len(stem))
    return Family(layout, stem, shortcut, block_types=("preact", "preact_bottleneck"))


def _averages(tensors: Mapping[str, Tensor]) -> bool:
    # The first module of a shortcut that averages is the pooling, which has no weights. Every
    # network changes shapes in its second stack.
    return "layer2.0.downsample.1.weight" in tensors and (
        len(tensors["layer2.0.downsample.1.weight"].shape) == 4
    )
