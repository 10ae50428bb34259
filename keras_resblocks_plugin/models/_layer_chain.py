"""The layers of a backbone, a chain in the order of their calls."""

import dataclasses
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from keras_resblocks_plugin._utils._kerashub import shapes_only
from keras_resblocks_plugin._utils._precision import without_empty_map
from keras_resblocks_plugin._utils._validation import check_choice
from keras_resblocks_plugin.blocks import ResidualBlock
from keras_resblocks_plugin.blocks._block_type import resolve_block_type
from keras_resblocks_plugin.blocks._checks import check_drop_path_rate
from keras_resblocks_plugin.layers._stem_pooling import STEM_POOLINGS
from keras_resblocks_plugin.models._validation import (
    check_block_kwargs,
    check_image_shape,
    zip_lists,
)

STACKWISE = ("stackwise_num_filters", "stackwise_num_blocks", "stackwise_num_strides")
INPUT_CONV = ("input_conv_filters", "input_conv_kernel_sizes", "input_conv_strides")


@dataclasses.dataclass
class LayerChain:
    """The validated arguments of a `ResBlockBackbone`, and the layers that they describe.

    The arguments are those of the backbone.

    Args:
        block_type: The key, the registered name or the class of the blocks.
        stackwise: The lists `stackwise_num_filters`, `…_num_blocks` and `…_num_strides`.
        input_conv: The lists `input_conv_filters`, `…_kernel_sizes` and `…_strides`.
        input_pooling: The pooling after the stem.
        block_kwargs: Further arguments of the blocks.
        image_shape: The shape of an image.
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        dtype: The precision.
        drop_path_rate: The rate of the last block, to which those of the others rise from 0.

    Raises:
        ValueError: If an argument is invalid.
    """

    block_type: str | type[ResidualBlock]
    stackwise: Sequence[Sequence[int]]
    input_conv: Sequence[Sequence[int]]
    input_pooling: str | None
    block_kwargs: Mapping[str, Any] | None
    image_shape: Sequence[int | None]
    data_format: str | None
    dtype: Any
    drop_path_rate: float = 0.0

    def __post_init__(self):
        self.dtype = without_empty_map(self.dtype)
        self.block_type, self.block_cls = resolve_block_type(self.block_type)
        self.stacks = zip_lists(**dict(zip(STACKWISE, self.stackwise, strict=True)))
        self.input_convs = zip_lists(**dict(zip(INPUT_CONV, self.input_conv, strict=True)))
        check_choice("input_pooling", self.input_pooling, (None, *STEM_POOLINGS))
        self.block_kwargs = check_block_kwargs(self.block_kwargs)
        self.drop_path_rate = check_drop_path_rate(self.drop_path_rate)
        if self.drop_path_rate and "drop_path_rate" in self.block_kwargs:
            raise ValueError(
                "`drop_path_rate` must be given to the backbone or in `block_kwargs`, and not to "
                f"both. Received: drop_path_rate={self.drop_path_rate}, "
                f"block_kwargs={self.block_kwargs}"
            )
        self.data_format = self.data_format or keras.config.image_data_format()
        check_choice("data_format", self.data_format, ("channels_last", "channels_first"))
        self.image_shape = check_image_shape(self.image_shape, self.data_format)

    def layers(self, most_blocks: int | None = None) -> Iterator[tuple[keras.Layer, int]]:
        """Yields new layers in order, each with its stride.

        Args:
            most_blocks: int. The maximum number of blocks of each stack. Defaults to all.
        """
        # The stem and the output use the convolutions and norms of the blocks.
        template = self._block(self.stacks[0][0], **self.block_kwargs)
        preactivates = template.preactivates

        def norm_relu(name):
            yield template.norm(name=f"{name}_norm"), 1
            yield keras.layers.Activation("relu", dtype=self.dtype, name=f"{name}_relu"), 1

        for i, (filters, kernel_size, strides) in enumerate(self.input_convs):
            normalized = not (preactivates and i == len(self.input_convs) - 1)
            new_conv = template.conv if normalized else template.bare_conv
            yield new_conv(filters, kernel_size, strides, name=f"stem{i}_conv"), strides
            if normalized:
                yield from norm_relu(f"stem{i}")
        if self.input_pooling is not None:
            new_pooling = STEM_POOLINGS[self.input_pooling]
            pooling = new_pooling(data_format=self.data_format, dtype=self.dtype, name="stem_pool")
            yield pooling, 2
        later = {name: value for name, value in self.block_kwargs.items() if name != "shortcut"}
        rates = self._drop_path_rates()
        for i, (filters, num_blocks, strides) in enumerate(self.stacks):
            name, (first, *others) = f"stack{i}_block", itertools.islice(rates, num_blocks)
            kwargs = {**self.block_kwargs, **first}
            yield self._block(filters, strides, name=f"{name}0", **kwargs), strides
            for j, rate in enumerate(others[: most_blocks and most_blocks - 1], start=1):
                yield self._block(filters, name=f"{name}{j}", **{**later, **rate}), 1
        if preactivates:
            yield from norm_relu("output")

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all weights by path. Allocates no weights.

        Raises:
            ValueError: If a layer refuses its arguments or its input shape.
        """
        shapes = {}
        shape = (None, *self.image_shape)
        with shapes_only():
            # The blocks of a stack, except for the first, differ only in their names.
            for layer, _ in self.layers(most_blocks=2):
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
                shapes |= {weight.path: tuple(weight.shape) for weight in layer.weights}
        for i, (_, num_blocks, _) in enumerate(self.stacks):
            second = {k: v for k, v in shapes.items() if k.startswith(f"stack{i}_block1/")}
            for j in range(2, num_blocks):
                shapes |= {
                    re.sub("_block1", f"_block{j}", k, count=1): v for k, v in second.items()
                }
        return shapes

    def _drop_path_rates(self) -> Iterator[dict[str, float]]:
        """Yields the argument of each block, where the backbone sets it."""
        count = sum(num_blocks for _, num_blocks, _ in self.stacks)
        for index in range(count):
            rate = self.drop_path_rate * index / max(count - 1, 1)
            yield {"drop_path_rate": rate} if self.drop_path_rate else {}

    def _block(self, filters: int, strides: int = 1, **kwargs: Any) -> ResidualBlock:
        return self.block_cls(
            filters, strides=strides, data_format=self.data_format, dtype=self.dtype, **kwargs
        )
