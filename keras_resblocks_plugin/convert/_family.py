"""Architectures read from weights, by the weights' names and shapes."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.convert._transfer import Tensor


class Family(NamedTuple):
    """Networks that differ only in what the shapes of their weights show.

    Args:
        layout: The names of their weights.
        stem: The names of the stem's convolutions.
        shortcut: The `shortcut` of their blocks; `None` is the blocks' default.
        block_types: The `block_type` with two convolutions in a block, and that with three.
        stem_strides: The stride of the stem's first convolution.
        input_pooling: The pooling behind the stem.
    """

    layout: Layout
    stem: tuple[str, ...]
    shortcut: str | None = None
    block_types: tuple[str, str] = ("bn", "bottleneck")
    stem_strides: int = 2
    input_pooling: str | None = "max"

    def read(self, tensors: Mapping[str, Tensor], source: str) -> dict[str, Any]:
        """Returns the arguments of the `ResBlockBackbone` that has these weights.

        Strides leave no trace in weights, so they are the family's.

        Raises:
            ValueError: If a convolution that every network of the family has is missing.
        """

        def name(stack: int, block: int, conv: int = 1) -> str:
            start = self.layout.block.format(stack=stack, stage=stack + 1, block=block)
            return f"{start}conv{conv}.weight"

        def num_blocks(stack: int) -> int:
            return next(block for block in itertools.count() if name(stack, block) not in tensors)

        stem = [conv_shape(tensors, f"{conv}.weight", source) for conv in self.stem]
        blocks = list(itertools.takewhile(bool, map(num_blocks, itertools.count())))
        stacks = range(max(1, len(blocks)))
        first_convs = [conv_shape(tensors, name(stack, 0), source) for stack in stacks]
        return {
            "block_type": self.block_types[name(0, 0, conv=3) in tensors],
            "stackwise_num_filters": [shape[0] for shape in first_convs],
            "stackwise_num_blocks": blocks,
            "stackwise_num_strides": [1] + [2] * (len(blocks) - 1),
            "input_conv_filters": [shape[0] for shape in stem],
            "input_conv_kernel_sizes": [shape[2] for shape in stem],
            "input_conv_strides": [self.stem_strides] + [1] * (len(stem) - 1),
            "input_pooling": self.input_pooling,
            "block_kwargs": {"shortcut": self.shortcut} if self.shortcut else None,
            "image_shape": (None, None, stem[0][1]),
            # The channels of `image_shape` are last, whatever the user's default is.
            "data_format": "channels_last",
        }


def conv_shape(tensors: Mapping[str, Tensor], name: str, source: str) -> tuple[int, ...]:
    """Returns the shape of a convolution's kernel: output and input channels, height, width.

    Raises:
        ValueError: If `name` is not such a kernel.
    """
    if name in tensors and len(tensors[name].shape) == 4:
        return tuple(tensors[name].shape)
    names = sorted(tensors)
    raise ValueError(
        f"The weights of `{source}` must belong to a ResNet of timm, torchvision or CIFAR, with a "
        f"convolution's kernel in `{name}`. "
        f"Received: {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}"
    )
