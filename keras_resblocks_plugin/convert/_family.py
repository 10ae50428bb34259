"""Architectures read from weights, by the weights' names and shapes."""

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.convert._timm_classes import squeeze_excitation
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
        pools_by_convolution: Whether the stem's last convolution has stride 2.
        stack_strides: The stride of the first stack.
    """

    layout: Layout
    stem: tuple[str, ...]
    shortcut: str | None = None
    block_types: tuple[str, str] = ("bn", "bottleneck")
    stem_strides: int = 2
    input_pooling: str | None = "max"
    pools_by_convolution: bool = False
    stack_strides: int = 1

    def read(self, tensors: Mapping[str, Tensor], source: str) -> dict[str, Any]:
        """Returns the arguments of the `ResBlockBackbone` that has these weights.

        Strides and activations leave no trace in weights, so they are the family's.

        Raises:
            ValueError: If a convolution that every network of the family has is missing.
        """

        def shape(layer: str, stack: int) -> tuple[int, ...]:
            return conv_shape(tensors, self._name_of(layer, stack), source)

        def num_blocks(stack: int) -> int:
            blocks = itertools.count()
            return next(i for i in blocks if self._name_of("conv1", stack, i) not in tensors)

        stem = [conv_shape(tensors, f"{conv}.weight", source) for conv in self.stem]
        stem_strides = [self.stem_strides] + [1] * (len(stem) - 1)
        if self.pools_by_convolution:
            stem_strides[-1] = 2
        blocks = list(itertools.takewhile(bool, map(num_blocks, itertools.count())))
        stacks = range(max(1, len(blocks)))
        filters = [shape("conv1", stack)[0] for stack in stacks]
        block_type = self.block_types[self._name_of("conv3") in tensors]
        block_kwargs = {"shortcut": self.shortcut}
        if block_type == "regnet":
            # A stack that is narrower than a group is one group.
            block_kwargs["group_width"] = max(shape("conv2", stack)[1] for stack in stacks)
        elif self._name_of("conv3") in tensors:
            # The first convolution may be wider than `filters`.
            filters = [shape("conv3", stack)[0] // 4 for stack in stacks]
            block_kwargs |= _groups(shape("conv2", 0), filters[0])
        if block_type != "bit" and not self._has_batch_norm(tensors):
            block_kwargs["normalization"] = "group"
        block_kwargs["attention"] = self._attention(tensors, stacks[-1], block_type)
        return {
            "block_type": block_type,
            "stackwise_num_filters": filters,
            "stackwise_num_blocks": blocks,
            "stackwise_num_strides": [self.stack_strides] + [2] * (len(blocks) - 1),
            "input_conv_filters": [kernel[0] for kernel in stem],
            "input_conv_kernel_sizes": [kernel[2] for kernel in stem],
            "input_conv_strides": stem_strides,
            "input_pooling": self.input_pooling,
            "block_kwargs": {k: v for k, v in block_kwargs.items() if v is not None} or None,
            "image_shape": (None, None, stem[0][1]),
            # The channels of `image_shape` are last, whatever the user's default is.
            "data_format": "channels_last",
        }

    def _name_of(self, layer: str, stack: int = 0, block: int = 0, weight: str = "kernel") -> str:
        return self.layout.name(f"stack{stack}_block{block}/{layer}/{weight}")

    def _has_batch_norm(self, tensors: Mapping[str, Tensor]) -> bool:
        return self._name_of("norm1", weight="moving_mean") in tensors

    def _attention(self, tensors: Mapping[str, Tensor], stack: int, block_type: str) -> Any:
        if not any(layer.startswith("attention/") for layer in self.layout.inside):
            return None
        if self._name_of("attention/conv", stack) in tensors:
            return "eca"
        squeeze = tensors.get(self._name_of("attention/squeeze", stack))
        if squeeze is None:
            return None
        if block_type == "regnet":
            return "se"
        width, channels = squeeze.shape[:2]
        # The default is a 16th, in multiples of 8.
        return "se" if abs(width - channels / 16) <= 4 else squeeze_excitation(width / channels)


def _groups(kernel: tuple[int, ...], filters: int) -> dict[str, int | None]:
    """Returns `groups` and `base_width` of a bottleneck, where they differ from 1 and 64."""
    width, channels = kernel[:2]
    groups = width // channels
    base_width = math.ceil(64 * channels / filters)
    return {
        "groups": None if groups == 1 else groups,
        "base_width": None if base_width == 64 else base_width,
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
