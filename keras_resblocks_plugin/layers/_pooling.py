"""Pooling that pads both sides alike, on every backend."""

from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.layers._geometry import (
    channel_axis,
    pad_pixels,
    spatial_axes,
    strided_shape,
)


def average_pixels(x: Any, strides: int, data_format: str) -> Any:
    """Averages tiles of `strides`×`strides` pixels; those at the far edges may be smaller."""

    def mean_with_zeros(x):
        x = pad_pixels(x, 0, strides - 1, data_format)
        return ops.average_pool(x, strides, strides, data_format=data_format)

    # Keras' own `padding="same"` counts pixels at the edges twice on PyTorch.
    present = ops.ones_like(x[:1, ...])
    return mean_with_zeros(x) / mean_with_zeros(present)


@keras.saving.register_keras_serializable(PACKAGE)
class TileAveragePooling2D(keras.layers.AveragePooling2D):
    """Means of tiles of `strides`×`strides` pixels, of which those at the far edges may be smaller.

    Where the size divides, it computes what `AveragePooling2D(strides)` does.

    Args:
        strides: int. The side of a tile. Defaults to `2`.
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        The input's, with `ceil(size / strides)` in space.
    """

    def __init__(self, strides: int = 2, data_format: str | None = None, **kwargs):
        super().__init__(strides, data_format=data_format, **kwargs)

    def call(self, inputs):
        return average_pixels(inputs, self.strides[0], self.data_format)

    def compute_output_shape(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        return strided_shape(input_shape, self.strides[0], channels, self.data_format)

    def get_config(self):
        config = super().get_config()
        for fixed in ("pool_size", "padding"):
            del config[fixed]
        return {**config, "strides": self.strides[0]}


@keras.saving.register_keras_serializable(PACKAGE)
class SymmetricMaxPooling2D(keras.layers.MaxPooling2D):
    """3×3 max pooling with stride 2 that pads one −∞ on each side, as PyTorch does.

    With zeros, the padding would win where the inputs are negative.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        The input's, with `ceil(size / 2)` in space.
    """

    def __init__(self, data_format: str | None = None, **kwargs):
        super().__init__(3, strides=2, data_format=data_format, **kwargs)

    def call(self, inputs):
        return super().call(pad_pixels(inputs, 1, 1, self.data_format, -float("inf")))

    def compute_output_shape(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        return strided_shape(input_shape, 2, channels, self.data_format)

    def get_config(self):
        config = super().get_config()
        for fixed in ("pool_size", "strides", "padding"):
            del config[fixed]
        return config


@keras.saving.register_keras_serializable(PACKAGE)
class BlurPooling2D(keras.layers.Layer):
    """Interim: branch w-a2 has the layer."""

    def __init__(self, strides=2, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides
        self.data_format = data_format or keras.config.image_data_format()

    def call(self, x):
        widths = [[0, 0]] * 4
        axes = spatial_axes(self.data_format)
        for axis in axes:
            widths[axis] = [1, 1]
        x = ops.pad(x, widths, mode="reflect")
        for axis in axes:
            size = x.shape[axis] - 2 if x.shape[axis] is not None else ops.shape(x)[axis] - 2

            def part(start, x=x, axis=axis, size=size):
                index = [slice(None)] * 4
                index[axis] = slice(start, start + size, self.strides)
                return x[tuple(index)]

            x = (part(0) + 2 * part(1) + part(2)) / 4
        return x

    def compute_output_shape(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        return strided_shape(input_shape, self.strides, channels, self.data_format)

    def get_config(self):
        return {**super().get_config(), "strides": self.strides, "data_format": self.data_format}
