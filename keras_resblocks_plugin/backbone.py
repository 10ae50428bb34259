"""A feature-pyramid backbone of any residual block."""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin import weights
from keras_resblocks_plugin._kerashub import FeaturePyramidBackbone, save_backbone_config
from keras_resblocks_plugin._registration import PACKAGE
from keras_resblocks_plugin._replace import replacing
from keras_resblocks_plugin._validation import check_choice, check_positive_int
from keras_resblocks_plugin.blocks import PreActivationResidualBlock, ResidualBlock
from keras_resblocks_plugin.blocks.block_type import resolve_block_type
from keras_resblocks_plugin.layers import SymmetricMaxPooling2D
from keras_resblocks_plugin.preset_folder import check_files, locate_checked


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockBackbone(FeaturePyramidBackbone):
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
            leaves them alone in training; scales and shifts still learn. Unlike flags
            set on layers, this survives saving. Defaults to `False`.
        image_shape: tuple of ints. The shape of an image without the batch; height and
            width may be `None`. Defaults to `(None, None, 3)`, with the channels
            first if `data_format` says so.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        dtype: string or `keras.DTypePolicy`. The precision of computations and weights.
        **kwargs: `name` and `trainable`.

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
        stacks = _zip_lists(
            stackwise_num_filters=stackwise_num_filters,
            stackwise_num_blocks=stackwise_num_blocks,
            stackwise_num_strides=stackwise_num_strides,
        )
        input_convs = _zip_lists(
            input_conv_filters=input_conv_filters,
            input_conv_kernel_sizes=input_conv_kernel_sizes,
            input_conv_strides=input_conv_strides,
        )
        check_choice("input_pooling", input_pooling, (None, "max"))
        check_choice("freeze_batch_norm", freeze_batch_norm, (False, True))
        block_kwargs = _check_block_kwargs(block_kwargs)
        data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", data_format, ("channels_last", "channels_first"))
        image_shape = _check_image_shape(image_shape, data_format)

        # === Functional Model ===
        new_block = functools.partial(block_cls, data_format=data_format, dtype=dtype)
        inputs = keras.layers.Input(shape=image_shape, name="images")
        # The stem and the output have the convolutions and norms of the blocks.
        template = new_block(stacks[0][0], **block_kwargs)
        preactivates = isinstance(template, PreActivationResidualBlock)

        def norm_relu(x, name):
            x = template.norm(name=f"{name}_norm", frozen=freeze_batch_norm)(x)
            return keras.layers.Activation("relu", dtype=dtype, name=f"{name}_relu")(x)

        x = inputs
        for i, (filters, kernel_size, strides) in enumerate(input_convs):
            x = template.conv(filters, kernel_size, strides, name=f"stem{i}_conv")(x)
            if not (preactivates and i == len(input_convs) - 1):
                x = norm_relu(x, f"stem{i}")
        if input_pooling == "max":
            x = SymmetricMaxPooling2D(data_format, dtype=dtype, name="stem_pool")(x)

        stride = math.prod(input_conv_strides) * (2 if input_pooling else 1)
        pyramid_outputs = {}
        for i, (filters, num_blocks, strides) in enumerate(stacks):
            for j in range(num_blocks):
                options = block_kwargs if j == 0 else _without_shortcut(block_kwargs)
                block = new_block(
                    filters, strides=strides if j == 0 else 1, name=f"stack{i}_block{j}", **options
                )
                x = block(x, freeze_batch_norm=freeze_batch_norm)
            stride *= strides
            pyramid_outputs[f"P{stride.bit_length() - 1}"] = x
        if preactivates:
            x = norm_relu(x, "output")

        super().__init__(inputs=inputs, outputs=x, dtype=dtype, **kwargs)

        # === Config ===
        self.block_type = block_type
        self.stackwise_num_filters = list(stackwise_num_filters)
        self.stackwise_num_blocks = list(stackwise_num_blocks)
        self.stackwise_num_strides = list(stackwise_num_strides)
        self.input_conv_filters = list(input_conv_filters)
        self.input_conv_kernel_sizes = list(input_conv_kernel_sizes)
        self.input_conv_strides = list(input_conv_strides)
        self.input_pooling = input_pooling
        self.block_kwargs = block_kwargs
        self.freeze_batch_norm = bool(freeze_batch_norm)
        self.image_shape = image_shape
        self.data_format = data_format
        self.pyramid_outputs = pyramid_outputs

    @classmethod
    def from_preset(cls, preset: str, load_weights: bool = True, **kwargs):
        """Loads a preset by its name, folder or `hf://` handle, once it is checked.

        Args:
            preset: A name of `krp.list_presets()`, a folder, or `"hf://user/name"`.
            load_weights: bool. If `False`, the weights stay random. Defaults to `True`.
            **kwargs: Arguments of the class that replace the preset's, `image_shape`
                or `dtype` for instance.

        Raises:
            ValueError: If the name is unknown, or the preset is incomplete, damaged, or
                names classes that may not be built.
        """
        preset = locate_checked(preset, cls.presets)
        return super().from_preset(preset, load_weights=load_weights, **kwargs)

    def load_weights(self, filepath: str, **kwargs):
        """Loads weights, strictly and all or nothing where they are a preset's.

        Args:
            filepath: A preset's `model.weights.json`, or what `keras.Model` loads.
            **kwargs: For `keras.Model.load_weights`.
        """
        path = Path(filepath)
        if path.name == weights.INDEX_FILE:
            check_files(path.parent)
            weights.load_weights(self, path)
        else:
            super().load_weights(filepath, **kwargs)

    def save_to_preset(self, preset_dir: str, max_shard_size: float | None = None):
        """Saves the backbone to a preset folder, at one instant.

        A process killed while saving leaves the old preset or the new one. Files in
        the folder that the save does not own, such as a card, stay.

        Args:
            preset_dir: The folder.
            max_shard_size: Unused: the weights are one safetensors file of any size.
        """
        with replacing(preset_dir) as folder:
            save_backbone_config(self, folder)
            weights.save_weights(self, folder)

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


def _zip_lists(**lists: Sequence[int]) -> list[tuple[int, ...]]:
    """The lists' entries side by side, once each list is known to be sound."""
    received = ", ".join(f"{name}={value!r}" for name, value in lists.items())
    for name, values in lists.items():
        if not isinstance(values, Sequence) or isinstance(values, str) or not len(values):
            raise ValueError(f"`{name}` must be a list of integers. Received: {received}")
        for value in values:
            check_positive_int(f"{name} entries", value, odd=name.endswith("kernel_sizes"))
            if name.endswith("strides") and value.bit_count() != 1:
                raise ValueError(
                    f"`{name}` must hold powers of two, by which the pyramid levels are "
                    f"named. Received: {received}"
                )
    if len({len(values) for values in lists.values()}) > 1:
        names = ", ".join(f"`{name}`" for name in lists)
        raise ValueError(f"{names} must have the same length. Received: {received}")
    return list(zip(*lists.values(), strict=True))


def _check_block_kwargs(block_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    if not isinstance(block_kwargs, Mapping | None):
        raise ValueError(
            "`block_kwargs` must be a dict of arguments for the blocks. "
            f"Received: block_kwargs={block_kwargs!r}"
        )
    block_kwargs = dict(block_kwargs or {})
    own = {"filters", "strides", "data_format", "dtype", "name"} & block_kwargs.keys()
    if own:
        raise ValueError(
            "`block_kwargs` must leave to the backbone what it sets itself: "
            f"{', '.join(sorted(own))}. Received: block_kwargs={block_kwargs}"
        )
    return block_kwargs


def _without_shortcut(block_kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block_kwargs.items() if name != "shortcut"}


def _check_image_shape(image_shape: Sequence[int | None], data_format: str) -> tuple:
    shape = tuple(image_shape) if isinstance(image_shape, Sequence) else ()
    if data_format == "channels_first" and shape == (None, None, 3):
        shape = (3, None, None)
    channels = shape[-1 if data_format == "channels_last" else 0] if shape else None
    sizes_are_ints = all(isinstance(size, int | None) for size in shape)
    if len(shape) != 3 or not channels or not sizes_are_ints:
        order = "(height, width, channels)"
        if data_format == "channels_first":
            order = "(channels, height, width)"
        raise ValueError(
            f"`image_shape` must be {order} of integers, the channels known, since "
            f"`data_format` is {data_format!r}. Received: image_shape={image_shape!r}"
        )
    return shape
