"""The template that every residual block fills in."""

import numbers
from collections.abc import Callable
from typing import Any

import keras

from keras_resblocks_plugin._utils._arguments import arguments_of, check_arguments
from keras_resblocks_plugin._utils._config_schema import (
    ACTIVATION,
    BOOLEAN,
    DATA_FORMAT,
    integer,
    layer_schema,
)
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import (
    check_activation,
    check_choice,
    check_positive_int,
)
from keras_resblocks_plugin.blocks._shortcut import SHORTCUTS, ShortcutBranch
from keras_resblocks_plugin.layers._layers import channel_axis, freezable_norms, strided_shape


@keras.saving.register_keras_serializable(PACKAGE)
class ResidualBlock(ShortcutBranch):
    """Base of the residual blocks: `output_activation(shortcut(x) + drop_path(residual(x)))`.

    The template owns that equation, the shortcut, building, shapes and
    `get_config()`. A subclass creates the layers of its residual branch in
    `build_residual()`, applies them in `residual()`, and is then a `block_type` of
    `ResBlockBackbone` as well.

    Args:
        filters: int. The width of the block. The output has `filters * expansion`
            channels; `expansion` is a class attribute.
        kernel_size: int, odd. The window of the spatial convolutions. Defaults to `3`.
        strides: int. The step of the first spatial convolution. Defaults to `1`.
        activation: The activation inside the residual branch. Defaults to `"relu"`.
        output_activation: The activation after the sum. Defaults to `None`.
        shortcut: `"auto"` is the identity where shapes match, else a 1×1
            projection. `"projection"` projects always. `"pad"` takes every
            `strides`-th pixel and pads the channels with zeros, half before and
            half after (option A of [He et al., 2015](https://arxiv.org/abs/1512.03385)).
            `"avg_pool"` averages before projecting (ResNet-D of
            [He et al., 2018](https://arxiv.org/abs/1812.01187)). Defaults to `"auto"`.
        normalization: `"batch"` or `None`. The convolutions have biases exactly when
            it is `None`. Momentum and epsilon are the class attributes
            `norm_momentum = 0.9` and `norm_epsilon = 1e-5`, ResNet's values; a
            subclass may set others. Defaults to `None`.
        drop_path_rate: float in `[0, 1)`. The chance that a training sample skips
            the residual branch, which is scaled up to keep the mean
            ([Huang et al., 2016](https://arxiv.org/abs/1603.09382)). Defaults to `0.0`.
        zero_init_residual: bool. Whether the last scale (or the last convolution,
            where no normalization follows it) starts at zero, so that the block
            starts as its shortcut. Defaults to `False`.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
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
        def build_residual(self, input_shape):
            self.conv1 = self.conv(2 * self.filters, self.kernel_size, self.strides, name="conv1")
            self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
            return self.build_in_order(input_shape, self.conv1, self.conv2)

        def residual(self, x, training=None):
            return self.conv2(self.activation(self.conv1(x)))
    ```
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        activation: str | Callable | None = "relu",
        output_activation: str | Callable | None = None,
        shortcut: str = "auto",
        normalization: str | None = None,
        drop_path_rate: float = 0.0,
        zero_init_residual: bool = False,
        data_format: str | None = None,
        **kwargs,
    ):
        check_arguments(type(self), kwargs, arguments_of(type(self), keras.Layer))
        super().__init__(**kwargs)
        self.filters = check_positive_int("filters", filters)
        self.kernel_size = check_positive_int("kernel_size", kernel_size, odd=True)
        self.strides = check_positive_int("strides", strides)
        self.activation = check_activation("activation", activation)
        self.output_activation = check_activation("output_activation", output_activation)
        self.shortcut_type = check_choice("shortcut", shortcut, SHORTCUTS)
        self.normalization = check_choice("normalization", normalization, (None, "batch"))
        is_number = isinstance(drop_path_rate, numbers.Real)
        if not is_number or isinstance(drop_path_rate, bool) or not 0 <= drop_path_rate < 1:
            raise ValueError(
                "`drop_path_rate` must be a number in [0, 1): the chance that a sample "
                f"skips the residual branch. Received: drop_path_rate={drop_path_rate!r}"
            )
        self.drop_path_rate = float(drop_path_rate)
        check_choice("zero_init_residual", zero_init_residual, (False, True))
        self.zero_init_residual = bool(zero_init_residual)
        data_format = data_format or keras.config.image_data_format()
        self.data_format = check_choice(
            "data_format", data_format, ("channels_last", "channels_first")
        )
        self.drop_path = None
        if self.drop_path_rate:
            # One number a sample, for all its pixels and channels.
            self.drop_path = keras.layers.Dropout(
                self.drop_path_rate,
                noise_shape=(None, 1, 1, 1),
                dtype=self.dtype_policy,
                name="drop_path",
            )

    # === What a subclass fills in ===
    def build_residual(self, input_shape: tuple) -> tuple:
        """Creates and builds the layers of the residual branch; returns its output shape."""
        raise NotImplementedError(f"{type(self).__name__} must define `build_residual()`.")

    def residual(self, x: Any, training: bool | None = None) -> Any:
        """The residual branch, without drop-path. Pass `training` on to every norm."""
        raise NotImplementedError(f"{type(self).__name__} must define `residual()`.")

    # === Layer ===
    def build(self, input_shape):
        if len(input_shape) != 4:
            raise ValueError(
                "`inputs` of a residual block must have rank 4, a batch of images or "
                f"feature maps. Received: input_shape={tuple(input_shape)}"
            )
        axis = channel_axis(self.data_format)
        if input_shape[axis] is None:
            raise ValueError(
                "`inputs` must have a known number of channels, and `data_format` is "
                f"{self.data_format!r}. Received: input_shape={tuple(input_shape)}"
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={axis: input_shape[axis]})
        output_shape = self.compute_output_shape(input_shape)
        residual_shape = tuple(self.build_residual(input_shape))
        if residual_shape != output_shape:
            raise ValueError(
                f"The residual branch of `{type(self).__name__}` must end in shape "
                f"{output_shape}: `filters * expansion` channels and `ceil(size / strides)` "
                f"in space. Received: {residual_shape} from `build_residual()`"
            )
        self._build_shortcut(input_shape, output_shape)
        self._check_names()
        self.restore_state()

    def build_from_config(self, config):
        super().build_from_config(config)
        # Of files that were written before `get_config()` had it.
        if config.get("freeze_batch_norm"):
            for norm in freezable_norms(self):
                norm.freeze_statistics = True

    def call(self, inputs, training=None):
        shortcut, residual = self.branches(inputs, training)
        if self.drop_path is not None:
            residual = self.drop_path(residual, training=training)
        return self.output_activation(shortcut + residual)

    def branches(self, x: Any, training: bool | None = None) -> tuple[Any, Any]:
        """Both terms of the sum, `(shortcut(x), residual(x))`."""
        return self.shortcut(x, training), self.residual(x, training)

    def _check_names(self):
        paths = [weight.path for weight in self.weights]
        repeated = sorted({path for path in paths if paths.count(path) > 1})
        if repeated:
            raise ValueError(
                f"The layers of `{type(self).__name__}` must have different names, by which "
                f"presets keep their weights. Received: several at {', '.join(repeated)}"
            )

    def compute_output_shape(self, input_shape):
        return strided_shape(
            input_shape, self.strides, self.filters * self.expansion, self.data_format
        )

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A JSON Schema of the config, by which presets are checked before they are built.

        A subclass with arguments of its own may extend it; see `config_schema.py`.

        Args:
            config: The config to check, on which a schema may depend.
        """
        return layer_schema(
            required=("filters",),
            filters=integer(1, 1 << 20),
            kernel_size=integer(1, 1023),
            strides=integer(1, 1 << 10),
            activation=ACTIVATION,
            output_activation=ACTIVATION,
            shortcut={"enum": [*SHORTCUTS]},
            normalization={"enum": [None, "batch"]},
            drop_path_rate={"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            zero_init_residual=BOOLEAN,
            data_format=DATA_FORMAT,
        )

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
        return config
