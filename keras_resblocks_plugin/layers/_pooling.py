"""Pooling that pads both sides alike, on every backend."""

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import check_choice, check_positive_int
from keras_resblocks_plugin.layers._geometry import channel_axis, pad_pixels, strided_shape
from keras_resblocks_plugin.layers._operations import average_pixels, max_pool


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
    """3×3 max pooling that pads one −∞ on each side, as PyTorch does.

    With zeros, the padding would win where the inputs are negative.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        strides: int. The step of the window. Defaults to `2`.
        zero_padded: bool. Whether to pad zeros all the same, as `keras.applications` does.
            Defaults to `False`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        The input's, with `ceil(size / strides)` in space.
    """

    def __init__(
        self,
        data_format: str | None = None,
        strides: int = 2,
        zero_padded: bool = False,
        **kwargs,
    ):
        check_positive_int("strides", strides)
        super().__init__(3, strides=strides, data_format=data_format, **kwargs)
        self.zero_padded = bool(check_choice("zero_padded", zero_padded, (False, True)))

    def call(self, inputs):
        if self.zero_padded:
            return super().call(pad_pixels(inputs, 1, 1, self.data_format))
        return max_pool(inputs, 3, self.strides[0], self.data_format)

    def compute_output_shape(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        return strided_shape(input_shape, self.strides[0], channels, self.data_format)

    def get_config(self):
        config = super().get_config()
        for fixed in ("pool_size", "strides", "padding"):
            del config[fixed]
        if self.strides[0] != 2:
            config["strides"] = self.strides[0]
        if self.zero_padded:
            config["zero_padded"] = True
        return config
