"""The template that every residual block fills in."""

from collections.abc import Callable
from typing import Any

import keras

from keras_resblocks_plugin._utils._arguments import arguments_of, check_arguments, plain
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import (
    check_activation,
    check_choice,
    check_positive_int,
)
from keras_resblocks_plugin.blocks._attention import serialize_attention
from keras_resblocks_plugin.blocks._checks import (
    check_attention,
    check_drop_path_rate,
    check_input_shape,
    check_residual_shape,
    check_weight_paths,
    check_zero_init,
)
from keras_resblocks_plugin.blocks._defaults import CLASS_DEFAULT, resolve_default
from keras_resblocks_plugin.blocks._schema import NORMALIZATIONS, block_schema
from keras_resblocks_plugin.blocks._shortcut import SHORTCUTS, ShortcutBranch
from keras_resblocks_plugin.layers._geometry import channel_axis, strided_shape
from keras_resblocks_plugin.layers._operations import activate, activated_sum


@keras.saving.register_keras_serializable(PACKAGE)
class ResidualBlock(ShortcutBranch):
    """Base of the residual blocks: `output_activation(shortcut(x) + drop_path(residual(x)))`.

    The template owns that equation, the arguments, the shortcut, building and shapes.
    A subclass creates the layers of its residual branch in `build_residual()` and
    applies them in `residual()`. It is then a `block_type` of `ResBlockBackbone` as well. One
    that is to take `attention` creates it by `new_attention()`.

    Class attributes hold what distinguishes the blocks: `expansion`, by which `filters`
    grows at the output, and the defaults of three arguments, `default_activation`,
    `default_output_activation` and `default_normalization`.

    Args:
        filters: int. The width of the block. The output has `filters * expansion`
            channels.
        kernel_size: int, odd. The window of the spatial convolutions. Defaults to `3`.
        strides: int. The step of the first spatial convolution. Defaults to `1`.
        activation: The activation inside the residual branch. Defaults to the class
            attribute `default_activation`, `"relu"` in the template.
        output_activation: The activation after the sum. Defaults to the class attribute
            `default_output_activation`, `None` in the template.
        shortcut: `"auto"` is the identity where shapes match, else a 1×1
            projection. `"projection"` projects always. `"pad"` takes every
            `strides`-th pixel and pads the channels with zeros, half before and
            half after (option A of [He et al., 2015](https://arxiv.org/abs/1512.03385)).
            `"avg_pool"` averages before projecting (ResNet-D of
            [He et al., 2018](https://arxiv.org/abs/1812.01187)); `"auto_avg_pool"` does so
            only where shapes do not match. Defaults to `"auto"`.
        normalization: `"batch"`, `"group"` ([Wu and He, 2018](https://arxiv.org/abs/1803.08494))
            or `None`. The convolutions have biases exactly when it is `None`. Momentum, epsilon
            and the number of groups are the class attributes `norm_momentum = 0.9`,
            `norm_epsilon = 1e-5` and `norm_groups = 32`, which must divide the channels.
            Defaults to the class attribute `default_normalization`, `None` in the template.
        drop_path_rate: float in `[0, 1)`. The chance that a training sample skips
            the residual branch, which is scaled up to keep the mean
            ([Huang et al., 2016](https://arxiv.org/abs/1603.09382)). Defaults to `0.0`.
        zero_init_residual: bool. Whether the last scale (or the last convolution,
            where no normalization follows it) starts at zero, so that the block
            starts as its shortcut. Defaults to `False`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        attention: The last layer of the residual branch. `"se"` is squeeze-and-excitation
            ([Hu et al., 2017](https://arxiv.org/abs/1709.01507)), `"eca"` efficient channel
            attention ([Wang et al., 2019](https://arxiv.org/abs/1910.03151)). A layer of a
            registered class, or its serialized form, is copied without its weights. It must keep
            the shape of its input. Defaults to `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Call arguments:
        inputs: A tensor of rank 4.
        training: bool. Whether to normalize by the batch and to drop paths.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, channels, height, width)`
        with `data_format="channels_first"`. Height and width may be `None`.

    Output shape:
        The input's, with `ceil(size / strides)` in space and `filters * expansion`
        channels.

    Example:

    ```python
    @keras.saving.register_keras_serializable("my_package")
    class WideningBlock(krp.blocks.ResidualBlock):
        default_output_activation = "relu"

        def build_residual(self, input_shape):
            self.conv1 = self.conv(2 * self.filters, self.kernel_size, self.strides, name="conv1")
            self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
            self.attention = self.new_attention()
            return self.build_in_order(input_shape, self.conv1, self.conv2, self.attention)

        def residual(self, x, training=None):
            return self.attention(self.conv2(self.activation(self.conv1(x))))
    ```
    """

    # === What a subclass sets ===
    expansion: int = 1
    default_activation: str | Callable | None = "relu"
    default_output_activation: str | Callable | None = None
    default_normalization: str | None = None
    # Whether the residual branch ends in `activation`.
    ends_in_activation: bool = False
    # Whether the block starts with norm and activation: a backbone of such blocks ends in both.
    preactivates: bool = False

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        activation: str | Callable | None = CLASS_DEFAULT,
        output_activation: str | Callable | None = CLASS_DEFAULT,
        shortcut: str = "auto",
        normalization: str | None = CLASS_DEFAULT,
        drop_path_rate: float = 0.0,
        zero_init_residual: bool = False,
        data_format: str | None = None,
        attention: str | keras.Layer | dict[str, Any] | None = None,
        **kwargs,
    ):
        activation = resolve_default(type(self), "activation", activation)
        output_activation = resolve_default(type(self), "output_activation", output_activation)
        normalization = resolve_default(type(self), "normalization", normalization)
        check_arguments(type(self), kwargs, arguments_of(type(self), keras.Layer))
        super().__init__(**kwargs)
        self.filters = check_positive_int("filters", filters)
        self.kernel_size = check_positive_int("kernel_size", kernel_size, odd=True)
        self.strides = check_positive_int("strides", strides)
        self.activation = check_activation("activation", activation)
        self.output_activation = check_activation("output_activation", output_activation)
        self.shortcut_type = check_choice("shortcut", shortcut, SHORTCUTS)
        self.normalization = check_choice("normalization", normalization, NORMALIZATIONS)
        self.drop_path_rate = check_drop_path_rate(drop_path_rate)
        check_choice("zero_init_residual", zero_init_residual, (False, True))
        self.zero_init_residual = bool(zero_init_residual)
        data_format = data_format or keras.config.image_data_format()
        self.data_format = check_choice(
            "data_format", data_format, ("channels_last", "channels_first")
        )
        self.attention_config = serialize_attention(attention)
        check_zero_init(self)
        self.drop_path = self.new_drop_path()

    def build_residual(self, input_shape: tuple) -> tuple:
        """Creates and builds the layers of the residual branch; returns its output shape."""
        raise NotImplementedError(f"{type(self).__name__} must define `build_residual()`.")

    def residual(self, x: Any, training: bool | None = None) -> Any:
        """Applies the residual branch, without drop-path. Pass `training` to every norm."""
        raise NotImplementedError(f"{type(self).__name__} must define `residual()`.")

    # === What the template does ===
    def build(self, input_shape):
        check_input_shape(input_shape, self.data_format)
        axis = channel_axis(self.data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={axis: input_shape[axis]})
        output_shape = self.compute_output_shape(input_shape)
        check_residual_shape(self, self.build_residual(input_shape), output_shape)
        check_attention(self)
        self.build_shortcut(input_shape, output_shape)
        check_weight_paths(self)
        self.restore_state()

    def call(self, inputs, training=None):
        shortcut, residual = self.branches(inputs, training)
        if self.drop_path is not None:
            residual = self.drop_path(residual, training=training)
        return activated_sum(shortcut, residual, self.output_activation)

    def activate(self, x: Any) -> Any:
        """Applies `activation` to a tensor that nothing else reads, and that it may overwrite."""
        return activate(x, self.activation)

    def branches(self, x: Any, training: bool | None = None) -> tuple[Any, Any]:
        """Returns both terms of the sum, `(shortcut(x), residual(x))`."""
        return self.shortcut(x, training), self.residual(x, training)

    def compute_output_shape(self, input_shape):
        return strided_shape(
            input_shape, self.strides, self.filters * self.expansion, self.data_format
        )

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns the JSON Schema by which a preset's config is checked before it is built.

        A subclass with arguments of its own may extend it; see `_utils/_config_schema.py`.

        Args:
            config: dict. The config to check, on which the schema may depend.
        """
        return block_schema()

    def get_config(self):
        config = super().get_config()
        config.update(
            filters=self.filters,
            kernel_size=self.kernel_size,
            strides=self.strides,
            activation=keras.activations.serialize(self.activation),
            output_activation=keras.activations.serialize(self.output_activation),
            shortcut=self.shortcut_type,
            normalization=self.normalization,
            drop_path_rate=self.drop_path_rate,
            zero_init_residual=self.zero_init_residual,
            data_format=self.data_format,
        )
        if self.attention_config is not None:
            config["attention"] = plain(self.attention_config)
        return config
