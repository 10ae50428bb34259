"""The `ResBlockBackbone` that PyTorch weights belong to, by their names and shapes."""

import itertools
from collections.abc import Mapping
from typing import Any

from keras_resblocks_plugin.convert._layouts import CIFAR, RESNET, RESNET_D, RESNET_V2, Layout
from keras_resblocks_plugin.convert._transfer import Tensor


def read_architecture(tensors: Mapping[str, Tensor], source: str) -> tuple[dict[str, Any], Layout]:
    """The arguments of the backbone that has these weights, and how they are named.

    Strides leave no trace in weights: they are those of the families known here.

    Raises:
        ValueError: If the weights are of none of them.
    """
    if "stem.conv.weight" in tensors:
        layout, stem, shortcut = RESNET_V2, ["stem.conv"], "projection"
    elif "conv1.0.weight" in tensors:
        layout, stem, shortcut = RESNET_D, ["conv1.0", "conv1.3", "conv1.6"], "avg_pool"
    else:
        layout, stem, shortcut = RESNET, ["conv1"], None
    convs = [_conv_shape(tensors, f"{name}.weight", source) for name in stem]
    # A small window at full resolution: a network for images of 32 pixels.
    for_cifar = layout is RESNET and convs[0][2] == 3
    if for_cifar:
        head = "fc" if "fc.weight" in tensors else "linear"
        layout, shortcut = CIFAR._replace(layers={**CIFAR.layers, "predictions": head}), "pad"

    def name(stack: int, block: int, conv: int = 1) -> str:
        return layout.block.format(stack=stack, stage=stack + 1, block=block) + f"conv{conv}.weight"

    def num_blocks(stack: int) -> int:
        return next(block for block in itertools.count() if name(stack, block) not in tensors)

    block_type = "bottleneck" if name(0, 0, conv=3) in tensors else "bn"
    blocks = list(itertools.takewhile(bool, map(num_blocks, itertools.count())))
    first_convs = [_conv_shape(tensors, name(i, 0), source) for i in range(max(1, len(blocks)))]
    architecture = {
        "block_type": "preact_bottleneck" if layout is RESNET_V2 else block_type,
        "stackwise_num_filters": [shape[0] for shape in first_convs],
        "stackwise_num_blocks": blocks,
        "stackwise_num_strides": [1] + [2] * (len(blocks) - 1),
        "input_conv_filters": [shape[0] for shape in convs],
        "input_conv_kernel_sizes": [shape[2] for shape in convs],
        "input_conv_strides": [1 if for_cifar else 2] + [1] * (len(convs) - 1),
        "input_pooling": None if for_cifar else "max",
        "block_kwargs": {"shortcut": shortcut} if shortcut else None,
        "image_shape": (None, None, convs[0][1]),
        # A shape with its channels at the end says nothing of the user's default.
        "data_format": "channels_last",
    }
    return architecture, layout


def _conv_shape(tensors: Mapping[str, Tensor], name: str, source: str) -> tuple[int, ...]:
    """The shape of a convolution's kernel: output and input channels, height, width."""
    if name in tensors and len(tensors[name].shape) == 4:
        return tuple(tensors[name].shape)
    names = sorted(tensors)
    raise ValueError(
        f"The weights of `{source}` must be those of a ResNet as timm and torchvision name them, "
        f"or of one for CIFAR, with a convolution's kernel in `{name}`. "
        f"Received: {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}"
    )
