"""Pooling that blurs before it drops pixels, so that shifted images give shifted features."""

from typing import Any

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import check_choice, check_positive_int
from keras_resblocks_plugin.layers._geometry import channel_axis, strided_shape
from keras_resblocks_plugin.layers._operations import blur
from keras_resblocks_plugin.layers._pooling import SymmetricMaxPooling2D


@keras.saving.register_keras_serializable(PACKAGE)
class BlurPooling2D(keras.layers.Layer):
    """Every `strides`-th pixel of a 3×3 binomial blur, whose padding mirrors the image.

    See [Zhang, 2019](https://arxiv.org/abs/1904.11486).

    Args:
        strides: int. The step of the window. Defaults to `2`.
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        `(batch, height, width, channels)`, or channels first. Height and width are at least 2.

    Output shape:
        The input's, with `ceil(size / strides)` in space.
    """

    def __init__(self, strides: int = 2, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.strides = check_positive_int("strides", strides)
        data_format = data_format or keras.config.image_data_format()
        self.data_format = check_choice(
            "data_format", data_format, ("channels_last", "channels_first")
        )

    def call(self, inputs):
        return blur(inputs, self.strides, self.data_format)

    def compute_output_shape(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        return strided_shape(input_shape, self.strides, channels, self.data_format)

    def get_config(self):
        return {**super().get_config(), "strides": self.strides, "data_format": self.data_format}


@keras.saving.register_keras_serializable(PACKAGE)
class MaxBlurPooling2D(BlurPooling2D):
    """3×3 max pooling of stride 1, and a `BlurPooling2D` of its outputs.

    Args:
        strides: int. The step of the blur. Defaults to `2`.
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        The same as `BlurPooling2D`.

    Output shape:
        The same as `BlurPooling2D`.
    """

    def __init__(self, strides: int = 2, data_format: str | None = None, **kwargs: Any):
        super().__init__(strides, data_format, **kwargs)
        self.max_pool = SymmetricMaxPooling2D(
            self.data_format, strides=1, dtype=self.dtype_policy, name="max_pool"
        )

    def call(self, inputs):
        return super().call(self.max_pool(inputs))
