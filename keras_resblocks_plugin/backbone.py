"""A feature-pyramid backbone of any residual block."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_resblocks_plugin._arguments import arguments_of, check_arguments
from keras_resblocks_plugin._kerashub import flatten_layers
from keras_resblocks_plugin._precision import without_empty_map
from keras_resblocks_plugin._registration import PACKAGE
from keras_resblocks_plugin._validation import (
    check_block_kwargs,
    check_choice,
    check_image_batch,
    check_image_shape,
    zip_lists,
)
from keras_resblocks_plugin.blocks import PreActivationResidualBlock, ResidualBlock
from keras_resblocks_plugin.blocks.block_type import resolve_block_type
from keras_resblocks_plugin.layers import (
    FreezableBatchNormalization,
    SymmetricMaxPooling2D,
    freezable_norms,
)
from keras_resblocks_plugin.preset_backbone import PresetBackbone


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockBackbone(PresetBackbone):
    """A stem of convolutions, then stacks of one kind of residual block.

    Args:
        block_type: A key of `krp.blocks.BLOCK_TYPES` (`"bn"`, `"preact"`, …), or a
            registered subclass of `krp.blocks.ResidualBlock`, or its registered name.
        stackwise_num_filters: list of ints. The `filters` of each stack's blocks.
        stackwise_num_blocks: list of ints. The number of blocks of each stack.
        stackwise_num_strides: list of ints, powers of two. The strides of each
            stack's first block.
        input_conv_filters: list of ints. The filters of each stem convolution.
        input_conv_kernel_sizes: list of odd ints. Their kernel sizes.
        input_conv_strides: list of ints, powers of two. Their strides.
        input_pooling: `"max"` or `None`. Whether a 3×3 max pooling of stride 2 follows
            the stem. Defaults to `None`.
        block_kwargs: dict. Further arguments for every block (`{"output_activation":
            "relu"}`). A `shortcut` named here applies to the first block of each
            stack; the others keep the identity. Defaults to none.
        freeze_batch_norm: bool. Whether batch norm uses its moving statistics and
            leaves them alone in training; scales and shifts still learn. It may be set
            later, before compiling, and is saved. Defaults to `False`.
        image_shape: tuple of ints. The shape of an image without the batch; height and
            width may be `None`. Defaults to `(None, None, 3)`, with the channels
            first if `data_format` says so.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        dtype: string or `keras.DTypePolicy`. The precision of computations and weights.
        **kwargs: `name`; `trainable`, which `False` freezes the whole backbone; `frozen`, the
            paths of the weights that do not learn, as `get_config()` lists them.

    Every stem convolution is followed by batch norm where the block type has it, and by
    ReLU. With the pre-activation blocks the last one is bare, and the backbone ends
    in batch norm and ReLU instead.

    The features of the last stack are the output. `pyramid_outputs` has the last features of
    each scale, by their true stride: `"P2"` is 4 times smaller than the image.

    Example:

    ```python
    backbone = krp.ResBlockBackbone(
        block_type="bn",
        stackwise_num_filters=[32, 64, 128, 256],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[2, 2, 2, 2],
        input_conv_filters=[32],
        input_conv_kernel_sizes=[3],
        input_conv_strides=[2],
    )
    backbone(np.random.uniform(size=(1, 64, 64, 3))).shape  # (1, 2, 2, 256)
    list(backbone.pyramid_outputs)  # ["P2", "P3", "P4", "P5"]
    ```
    """

    def __init__(
        self,
        block_type: str | type[ResidualBlock],
        stackwise_num_filters: Sequence[int],
        stackwise_num_blocks: Sequence[int],
        stackwise_num_strides: Sequence[int],
        input_conv_filters: Sequence[int],
        input_conv_kernel_sizes: Sequence[int],
        input_conv_strides: Sequence[int],
        input_pooling: str | None = None,
        block_kwargs: Mapping[str, Any] | None = None,
        freeze_batch_norm: bool = False,
        image_shape: Sequence[int | None] = (None, None, 3),
        data_format: str | None = None,
        dtype: Any = None,
        **kwargs,
    ):
        block_type, block_cls = resolve_block_type(block_type)
        check_arguments(
            type(self),
            kwargs,
            self.arguments(),
            elsewhere={
                "the blocks, given in `block_kwargs`": arguments_of(block_cls, ResidualBlock)
            },
        )
        stacks = zip_lists(
            stackwise_num_filters=stackwise_num_filters,
            stackwise_num_blocks=stackwise_num_blocks,
            stackwise_num_strides=stackwise_num_strides,
        )
        input_convs = zip_lists(
            input_conv_filters=input_conv_filters,
            input_conv_kernel_sizes=input_conv_kernel_sizes,
            input_conv_strides=input_conv_strides,
        )
        check_choice("input_pooling", input_pooling, (None, "max"))
        block_kwargs = check_block_kwargs(block_kwargs)
        data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", data_format, ("channels_last", "channels_first"))
        image_shape = check_image_shape(image_shape, data_format)

        dtype = without_empty_map(dtype)

        # === Functional Model ===
        new_block = functools.partial(block_cls, data_format=data_format, dtype=dtype)
        inputs = keras.layers.Input(shape=image_shape, name="images")
        # The stem and the output have the convolutions and norms of the blocks.
        template = new_block(stacks[0][0], **block_kwargs)
        preactivates = isinstance(template, PreActivationResidualBlock)

        def norm_relu(x, name):
            x = template.norm(name=f"{name}_norm")(x)
            return keras.layers.Activation("relu", dtype=dtype, name=f"{name}_relu")(x)

        x = inputs
        for i, (filters, kernel_size, strides) in enumerate(input_convs):
            x = template.conv(filters, kernel_size, strides, name=f"stem{i}_conv")(x)
            if not (preactivates and i == len(input_convs) - 1):
                x = norm_relu(x, f"stem{i}")
        if input_pooling == "max":
            x = SymmetricMaxPooling2D(data_format, dtype=dtype, name="stem_pool")(x)

        stride = math.prod(strides for *_, strides in input_convs) * (2 if input_pooling else 1)
        pyramid_outputs = {}
        for i, (filters, num_blocks, strides) in enumerate(stacks):
            for j in range(num_blocks):
                options = block_kwargs if j == 0 else _without_shortcut(block_kwargs)
                block = new_block(
                    filters, strides=strides if j == 0 else 1, name=f"stack{i}_block{j}", **options
                )
                x = block(x)
            stride *= strides
            pyramid_outputs[f"P{stride.bit_length() - 1}"] = x
        if preactivates:
            x = norm_relu(x, "output")

        trainable, frozen = kwargs.pop("trainable", True), kwargs.pop("frozen", None)
        super().__init__(inputs=inputs, outputs=x, dtype=dtype, **kwargs)

        # === Config ===
        self.block_type = block_type
        self.stackwise_num_filters, self.stackwise_num_blocks, self.stackwise_num_strides = (
            list(entries) for entries in zip(*stacks, strict=True)
        )
        self.input_conv_filters, self.input_conv_kernel_sizes, self.input_conv_strides = (
            list(entries) for entries in zip(*input_convs, strict=True)
        )
        self.input_pooling = input_pooling
        self.block_kwargs = block_kwargs
        self.freeze_batch_norm = freeze_batch_norm
        self.image_shape = image_shape
        self.data_format = data_format
        self.pyramid_outputs = pyramid_outputs
        self.restore_frozen(trainable, frozen)

    @classmethod
    def arguments(cls) -> set[str]:
        """The names of all arguments that the class takes."""
        return arguments_of(cls, ResBlockBackbone) | {"name", "trainable", "frozen"}

    @property
    def freeze_batch_norm(self) -> bool:
        """Whether training uses the moving statistics of batch norm, and leaves them alone."""
        return self._freeze_batch_norm

    @freeze_batch_norm.setter
    def freeze_batch_norm(self, value: bool) -> None:
        check_choice("freeze_batch_norm", value, (False, True))
        norms = [x for x in flatten_layers(self) if isinstance(x, keras.layers.BatchNormalization)]
        foreign = [x.path for x in norms if not isinstance(x, FreezableBatchNormalization)]
        if value and foreign:
            raise ValueError(
                "`freeze_batch_norm=True` needs batch norms made by the block's `self.norm()`; "
                f"those of Keras would go on counting. Received: {', '.join(foreign)}"
            )
        for norm in freezable_norms(self):
            norm.freeze_statistics = bool(value)
        self._freeze_batch_norm = bool(value)

    def call(self, inputs, training=None, mask=None):
        check_image_batch(inputs, self.image_shape)
        return super().call(inputs, training=training, mask=mask)

    def get_config(self):
        config = super().get_config()
        config.update(
            block_type=self.block_type,
            stackwise_num_filters=list(self.stackwise_num_filters),
            stackwise_num_blocks=list(self.stackwise_num_blocks),
            stackwise_num_strides=list(self.stackwise_num_strides),
            input_conv_filters=list(self.input_conv_filters),
            input_conv_kernel_sizes=list(self.input_conv_kernel_sizes),
            input_conv_strides=list(self.input_conv_strides),
            input_pooling=self.input_pooling,
            block_kwargs=dict(self.block_kwargs),
            freeze_batch_norm=self.freeze_batch_norm,
            image_shape=tuple(self.image_shape),
            data_format=self.data_format,
        )
        return config


def _without_shortcut(block_kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block_kwargs.items() if name != "shortcut"}
