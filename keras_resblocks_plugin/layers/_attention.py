"""Channel attention: a gate for each channel, computed from the means of all channels."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin._utils._config_schema import (
    ACTIVATION,
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
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._freezing import Freezable
from keras_resblocks_plugin.layers._geometry import channel_axis, spatial_axes


class ChannelAttention(Freezable, keras.layers.Layer):
    """Base of the attentions, which multiply each channel by a gate and keep the shape."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        data_format = data_format or keras.config.image_data_format()
        self.data_format = check_choice(
            "data_format", data_format, ("channels_last", "channels_first")
        )

    def means(self, inputs: Any) -> Any:
        """Returns each channel's mean, computed in at least float32, with one pixel in space."""
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        axes = spatial_axes(self.data_format)
        means = ops.mean(ops.cast(inputs, dtype), axis=axes, keepdims=True)
        return ops.cast(means, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


@keras.saving.register_keras_serializable(PACKAGE)
class SqueezeExcitation(ChannelAttention):
    """Squeeze-and-excitation: `x * sigmoid(conv1x1(relu(conv1x1(mean(x)))))`.

    See [Hu et al., 2017](https://arxiv.org/abs/1709.01507).

    Args:
        ratio: float. The squeezed width as a part of the input's channels. Defaults to `1/16`.
        divisor: int. The squeezed width is rounded to the nearest multiple of it, and is at
            least that. Defaults to `8`.
        filters: int or `None`. The squeezed width itself, in place of `ratio` and `divisor`.
            Defaults to `None`.
        activation: The activation of the squeezed channels. Defaults to `"relu"`.
        gate_activation: The activation of the gate. Defaults to `"sigmoid"`.
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        The input's.

    Example:

    ```python
    backbone = krp.ResBlockBackbone(
        "bottleneck",
        ...,
        block_kwargs={"attention": krp.layers.SqueezeExcitation(ratio=0.25)},
    )
    ```
    """

    def __init__(
        self,
        ratio: float = 1 / 16,
        divisor: int = 8,
        filters: int | None = None,
        activation: str | Callable | None = "relu",
        gate_activation: str | Callable | None = "sigmoid",
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        is_number = isinstance(ratio, int | float) and not isinstance(ratio, bool)
        if not is_number or not 0 < ratio < math.inf:
            raise ValueError(
                "`ratio` must be a positive number, the squeezed width as a part of the channels. "
                f"Received: ratio={ratio!r}"
            )
        self.ratio = float(ratio)
        self.divisor = check_positive_int("divisor", divisor)
        self.filters = filters if filters is None else check_positive_int("filters", filters)
        self.activation = check_activation("activation", activation)
        self.gate_activation = check_activation("gate_activation", gate_activation)

    def build(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        self.squeeze = self._conv(self.filters or self._width(channels), "squeeze")
        self.excite = self._conv(channels, "excite")
        shape = input_shape
        for conv in (self.squeeze, self.excite):
            conv.build(shape)
            shape = conv.compute_output_shape(shape)
        self.restore_state()

    def call(self, inputs):
        squeezed = self.activation(self.squeeze(self.means(inputs)))
        return inputs * self.gate_activation(self.excite(squeezed))

    def _width(self, channels: int) -> int:
        multiple = int(channels * self.ratio + self.divisor / 2) // self.divisor
        return max(multiple, 1) * self.divisor

    def _conv(self, filters: int, name: str) -> SymmetricConv2D:
        return SymmetricConv2D(
            filters, 1, data_format=self.data_format, dtype=self.dtype_policy, name=name
        )

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns the JSON Schema of the config."""
        return layer_schema(
            ratio={"type": "number", "exclusiveMinimum": 0, "maximum": 1 << 10},
            divisor=integer(1, 1 << 20),
            filters={**integer(1, 1 << 20), "type": ["integer", "null"]},
            activation=ACTIVATION,
            gate_activation=ACTIVATION,
            data_format=DATA_FORMAT,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "ratio": self.ratio,
            "divisor": self.divisor,
            "filters": self.filters,
            "activation": keras.activations.serialize(self.activation),
            "gate_activation": keras.activations.serialize(self.gate_activation),
        }


@keras.saving.register_keras_serializable(PACKAGE)
class EfficientChannelAttention(ChannelAttention):
    """Efficient channel attention: `x * sigmoid(conv1d(mean(x)))`, along the channels.

    See [Wang et al., 2019](https://arxiv.org/abs/1910.03151).

    Args:
        kernel_size: odd int or `None`. The number of neighboring channels that a gate depends on.
            Defaults to `None`: the odd number next to `(log2(channels) + 1) / 2`, and at least 3.
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        The input's.
    """

    def __init__(
        self, kernel_size: int | None = None, data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(data_format, **kwargs)
        if kernel_size is not None:
            kernel_size = check_positive_int("kernel_size", kernel_size, odd=True)
        self.kernel_size = kernel_size

    def build(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        self.conv = keras.layers.Conv1D(
            1,
            self.kernel_size or _kernel_size(channels),
            padding="same",
            use_bias=False,
            # The channels are the steps of a sequence, whatever the format of the images.
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="conv",
        )
        self.conv.build((None, channels, 1))
        self.restore_state()

    def call(self, inputs):
        axes = spatial_axes(self.data_format)
        sequence = ops.expand_dims(ops.squeeze(self.means(inputs), axes), -1)
        gate = ops.sigmoid(ops.squeeze(self.conv(sequence), -1))
        return inputs * ops.expand_dims(gate, axes)

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Returns the JSON Schema of the config."""
        return layer_schema(
            kernel_size={**integer(1, 1023), "type": ["integer", "null"]},
            data_format=DATA_FORMAT,
        )

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}


def _kernel_size(channels: int) -> int:
    size = int((math.log2(channels) + 1) / 2)
    return max(size if size % 2 else size + 1, 3)
