"""The template that every residual block fills in."""

import numbers
from collections.abc import Callable
from typing import Any

import keras

from keras_resblocks_plugin._registration import PACKAGE
from keras_resblocks_plugin._validation import (
    check_activation,
    check_choice,
    check_positive_int,
)
from keras_resblocks_plugin.config_schema import (
    ACTIVATION,
    BOOLEAN,
    DATA_FORMAT,
    integer,
    layer_schema,
)
from keras_resblocks_plugin.layers import (
    FreezableBatchNormalization,
    SymmetricConv2D,
    average_pixels,
    channel_axis,
    freezable_norms,
    pad_channels,
    strided_shape,
)

SHORTCUTS = ("auto", "projection", "pad", "avg_pool")


@keras.saving.register_keras_serializable(PACKAGE)
class ResidualBlock(keras.layers.Layer):
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

    expansion: int = 1
    normalizes_projection: bool = True
    norm_momentum: float = 0.9
    norm_epsilon: float = 1e-5

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

    # === What it builds with ===
    def conv(
        self, filters: int, kernel_size: int, strides: int = 1, *, name: str
    ) -> SymmetricConv2D:
        """A convolution as this block has them, with a bias where it has no norm."""
        return SymmetricConv2D(
            filters,
            kernel_size,
            strides,
            use_bias=self.normalization is None,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def norm(self, *, name: str, enabled: bool = True) -> keras.Layer:
        """A normalization as this block has them; the identity where it has none."""
        if self.normalization is None or not enabled:
            return keras.layers.Identity(dtype=self.dtype_policy, name=name)
        return FreezableBatchNormalization(
            axis=channel_axis(self.data_format),
            momentum=self.norm_momentum,
            epsilon=self.norm_epsilon,
            dtype=self.dtype_policy,
            name=name,
        )

    def build_in_order(self, shape: tuple, *layers: keras.Layer) -> tuple:
        """Builds each layer on the output of the one before it.

        Zeroes the last scale or convolution where `zero_init_residual` asks for it.
        """
        if self.zero_init_residual:
            last = [layer for layer in layers if not isinstance(layer, keras.layers.Identity)][-1]
            scales = {SymmetricConv2D: "kernel", keras.layers.BatchNormalization: "gamma"}
            scale = next((name for cls, name in scales.items() if isinstance(last, cls)), None)
            if scale is None:
                raise ValueError(
                    "`zero_init_residual=True` needs a residual branch that ends in a layer of "
                    "`self.conv()` or `self.norm()`, which can start at zero. "
                    f"Received: {last!r} at its end"
                )
            setattr(last, f"{scale}_initializer", keras.initializers.Zeros())
        for layer in layers:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        return shape

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

    def get_build_config(self):
        # Where the layers of a backbone are saved one by one, as those of a part of it are,
        # this is what remembers its `freeze_batch_norm`.
        frozen = any(norm.freeze_statistics for norm in freezable_norms(self))
        return {**(super().get_build_config() or {}), "freeze_batch_norm": frozen}

    def build_from_config(self, config):
        super().build_from_config(config)
        for norm in freezable_norms(self):
            norm.freeze_statistics = config.get("freeze_batch_norm", False)

    def call(self, inputs, training=None):
        shortcut, residual = self.branches(inputs, training)
        if self.drop_path is not None:
            residual = self.drop_path(residual, training=training)
        return self.output_activation(shortcut + residual)

    def branches(self, x: Any, training: bool | None = None) -> tuple[Any, Any]:
        """Both terms of the sum, `(shortcut(x), residual(x))`."""
        return self.shortcut(x, training), self.residual(x, training)

    def shortcut(self, x: Any, training: bool | None = None) -> Any:
        """The other branch: the identity, a projection, or zero-padded channels."""
        if self.projects:
            if self.shortcut_type == "avg_pool" and self.strides > 1:
                x = average_pixels(x, self.strides, self.data_format)
            return self.shortcut_norm(self.shortcut_conv(x), training=training)
        if self.shortcut_type == "pad":
            filters = self.filters * self.expansion
            return pad_channels(x, filters, self.strides, self.data_format)
        return x

    def _build_shortcut(self, input_shape, output_shape):
        axis = channel_axis(self.data_format)
        matches = self.strides == 1 and input_shape[axis] == output_shape[axis]
        self.projects = self.shortcut_type in ("projection", "avg_pool") or (
            self.shortcut_type == "auto" and not matches
        )
        if self.projects:
            self._build_projection(input_shape, output_shape[axis])
        elif input_shape[axis] > output_shape[axis]:
            raise ValueError(
                '`shortcut="pad"` can only add channels, so the input must have at most '
                f"{output_shape[axis]}, the output's. Received: input_shape={tuple(input_shape)}"
            )

    def _build_projection(self, input_shape, filters):
        strides = 1 if self.shortcut_type == "avg_pool" else self.strides
        self.shortcut_conv = self.conv(filters, 1, strides, name="shortcut_conv")
        self.shortcut_norm = self.norm(name="shortcut_norm", enabled=self.normalizes_projection)
        for layer in (self.shortcut_conv, self.shortcut_norm):
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

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
