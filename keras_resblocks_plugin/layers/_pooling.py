"""Pooling that pads both sides alike, on every backend."""

from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.layers._geometry import channel_axis, pad_pixels, strided_shape


def average_pixels(x: Any, strides: int, data_format: str) -> Any:
    """Averages tiles of `strides`×`strides` pixels; those at the far edges may be smaller."""

    def mean_with_zeros(x):
        x = pad_pixels(x, 0, strides - 1, data_format)
        return ops.average_pool(x, strides, strides, data_format=data_format)

    # Keras' own `padding="same"` counts pixels at the edges twice on PyTorch.
    present = ops.ones_like(x[:1, ...])
    return mean_with_zeros(x) / mean_with_zeros(present)


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
