"""Pooling that pads both sides alike, on every backend."""

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.layers._geometry import channel_axis, strided_shape
from keras_resblocks_plugin.layers._operations import max_pool


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
        return max_pool(inputs, 3, 2, self.data_format)

    def compute_output_shape(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        return strided_shape(input_shape, 2, channels, self.data_format)

    def get_config(self):
        config = super().get_config()
        for fixed in ("pool_size", "strides", "padding"):
            del config[fixed]
        return config
