"""A feature-pyramid backbone of residual blocks."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_resblocks_plugin._utils._arguments import arguments_of, check_arguments, plain
from keras_resblocks_plugin._utils._kerashub import flatten_layers
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import check_choice
from keras_resblocks_plugin.blocks import ResidualBlock
from keras_resblocks_plugin.layers._normalization import (
    FreezableBatchNormalization,
    freezable_norms,
)
from keras_resblocks_plugin.models._backbone_schema import backbone_schema
from keras_resblocks_plugin.models._layer_chain import INPUT_CONV, STACKWISE, LayerChain
from keras_resblocks_plugin.models._preset_backbone import PresetBackbone
from keras_resblocks_plugin.models._validation import check_image_batch


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockBackbone(PresetBackbone):
    """A backbone with a stem of convolutions and stacks of one kind of residual block.

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
        input_pooling: string or `None`. A pooling of stride 2 after the stem: `"max"`, 3×3, which
            ignores what is outside of the image; `"max_zero_padded"`, where that is zero;
            `"average"`, the mean of 2×2 pixels, which drops the last one of an odd side;
            `"max_blur"`, a 3×3 maximum of stride 1 and a blur
            ([Zhang, 2019](https://arxiv.org/abs/1904.11486)). Defaults to `None`.
        block_kwargs: dict. Further arguments for every block (`{"output_activation":
            "relu"}`). A `shortcut` named here applies to the first block of each
            stack; the others keep the identity. Each block copies an `attention` layer.
            Defaults to none.
        freeze_batch_norm: bool. Whether batch norm uses its moving statistics in training and
            does not update them. Scales and shifts still learn. It can be set later, before
            compiling, and is saved. Defaults to `False`.
        image_shape: tuple of ints. The shape of an image without the batch; height and
            width may be `None`. Defaults to `(None, None, 3)`, with the channels
            first if `data_format` says so.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        dtype: string or `keras.DTypePolicy`. The precision of computations and weights.
        drop_path_rate: float in `[0, 1)`. The `drop_path_rate` of the last block, to which those of
            the blocks rise linearly from 0, as in stochastic depth
            ([Huang et al., 2016](https://arxiv.org/abs/1603.09382)). A `drop_path_rate` in
            `block_kwargs` is that of every block instead. Defaults to `0.0`.
        **kwargs: `name`; `trainable`, where `False` freezes the whole backbone; `frozen`, the
            paths of the weights that do not learn, as in `get_config()`.

    Every stem convolution is followed by the norm of the blocks, if they have one, and by ReLU.
    With pre-activation blocks nothing follows the last one, and the backbone ends in norm and
    ReLU instead.

    The output is the features of the last stack. `pyramid_outputs` has the last features of each
    scale, by their cumulative stride: `"P2"` is 4 times smaller than the image.

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
        drop_path_rate: float = 0.0,
        **kwargs,
    ):
        chain = LayerChain(
            block_type,
            (stackwise_num_filters, stackwise_num_blocks, stackwise_num_strides),
            (input_conv_filters, input_conv_kernel_sizes, input_conv_strides),
            input_pooling,
            block_kwargs,
            image_shape,
            data_format,
            dtype,
            drop_path_rate,
        )
        check_arguments(
            type(self),
            kwargs,
            self.arguments(),
            elsewhere={
                "the blocks, given in `block_kwargs`": arguments_of(chain.block_cls, ResidualBlock)
            },
        )

        # === Functional Model ===
        x = inputs = keras.layers.Input(shape=chain.image_shape, name="images")
        stride, pyramid_outputs = 1, {}
        for layer, strides in chain.layers():
            x = layer(x)
            stride *= strides
            if isinstance(layer, ResidualBlock):
                pyramid_outputs[f"P{stride.bit_length() - 1}"] = x

        trainable, frozen = kwargs.pop("trainable", True), kwargs.pop("frozen", None)
        super().__init__(inputs=inputs, outputs=x, dtype=chain.dtype, **kwargs)

        # === Config ===
        self.block_type = chain.block_type
        self.stackwise_num_filters, self.stackwise_num_blocks, self.stackwise_num_strides = (
            list(entries) for entries in zip(*chain.stacks, strict=True)
        )
        self.input_conv_filters, self.input_conv_kernel_sizes, self.input_conv_strides = (
            list(entries) for entries in zip(*chain.input_convs, strict=True)
        )
        self.input_pooling = input_pooling
        self.block_kwargs = chain.block_kwargs
        self.drop_path_rate = chain.drop_path_rate
        self.freeze_batch_norm = freeze_batch_norm
        self.image_shape = chain.image_shape
        self.data_format = chain.data_format
        self.pyramid_outputs = pyramid_outputs
        self.restore_frozen(trainable, frozen)

    @classmethod
    def arguments(cls) -> set[str]:
        """The names of all arguments that the class accepts."""
        return arguments_of(cls, ResBlockBackbone) | {"name", "trainable", "frozen"}

    @property
    def freeze_batch_norm(self) -> bool:
        """`True` if training uses the moving statistics of batch norm and does not update them."""
        return self._freeze_batch_norm

    @freeze_batch_norm.setter
    def freeze_batch_norm(self, value: bool) -> None:
        check_choice("freeze_batch_norm", value, (False, True))
        norms = [x for x in flatten_layers(self) if isinstance(x, keras.layers.BatchNormalization)]
        foreign = [x.path for x in norms if not isinstance(x, FreezableBatchNormalization)]
        if value and foreign:
            raise ValueError(
                "`freeze_batch_norm=True` needs batch norms made by the block's `self.norm()`; "
                f"Keras' own would update their statistics. Received: {', '.join(foreign)}"
            )
        for norm in freezable_norms(self):
            norm.freeze_statistics = bool(value)
        self._freeze_batch_norm = bool(value)

    def call(self, inputs, training=None, mask=None):
        check_image_batch(inputs, self.image_shape)
        return super().call(inputs, training=training, mask=mask)

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A JSON Schema of the config, by which presets are checked before they are built."""
        return backbone_schema(config)

    @classmethod
    def weight_shapes(cls, config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights of a config, by path. Allocates no weights.

        Args:
            config: dict. The output of `get_config()`, as it is or read from JSON.

        Raises:
            ValueError: If the config is invalid.
        """
        config = keras.saving.deserialize_keras_object(config)
        return LayerChain(
            config["block_type"],
            [config[name] for name in STACKWISE],
            [config[name] for name in INPUT_CONV],
            config.get("input_pooling"),
            config.get("block_kwargs"),
            config.get("image_shape", (None, None, 3)),
            config.get("data_format"),
            config.get("dtype"),
        ).weight_shapes()

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
            block_kwargs=plain(self.block_kwargs),
            freeze_batch_norm=self.freeze_batch_norm,
            image_shape=tuple(self.image_shape),
            data_format=self.data_format,
        )
        if self.drop_path_rate:
            config["drop_path_rate"] = self.drop_path_rate
        return config
