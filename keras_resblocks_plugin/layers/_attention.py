"""Channel attention (interim: branch w-a2 has the layers)."""

import math

import keras
from keras import ops

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._geometry import channel_axis, spatial_axes


@keras.saving.register_keras_serializable(PACKAGE)
class SqueezeExcitation(keras.layers.Layer):
    def __init__(self, ratio=1 / 16, divisor=8, filters=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.ratio, self.divisor, self.filters = ratio, divisor, filters
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, input_shape):
        c = input_shape[channel_axis(self.data_format)]
        width = self.filters or max(
            self.divisor, int(c * self.ratio + self.divisor / 2) // self.divisor * self.divisor
        )
        k = dict(data_format=self.data_format, dtype=self.dtype_policy)
        self.squeeze = SymmetricConv2D(width, 1, name="squeeze", **k)
        self.excite = SymmetricConv2D(c, 1, name="excite", **k)
        self.squeeze.build(input_shape)
        self.excite.build(self.squeeze.compute_output_shape(input_shape))

    def call(self, x):
        m = ops.mean(x, axis=spatial_axes(self.data_format), keepdims=True)
        return x * ops.sigmoid(self.excite(ops.relu(self.squeeze(m))))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "ratio": self.ratio,
            "divisor": self.divisor,
            "filters": self.filters,
            "data_format": self.data_format,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class EfficientChannelAttention(keras.layers.Layer):
    def __init__(self, kernel_size=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.data_format = data_format or keras.config.image_data_format()

    def build(self, input_shape):
        c = input_shape[channel_axis(self.data_format)]
        t = int((math.log2(c) + 1) / 2)
        k = self.kernel_size or max(t if t % 2 else t + 1, 3)
        self.conv = keras.layers.Conv1D(
            1,
            k,
            padding="same",
            use_bias=False,
            data_format="channels_last",
            dtype=self.dtype_policy,
            name="conv",
        )
        self.conv.build((None, c, 1))

    def call(self, x):
        m = ops.mean(x, axis=spatial_axes(self.data_format))
        gate = ops.sigmoid(self.conv(m[..., None]))[..., 0]
        return x * ops.expand_dims(gate, spatial_axes(self.data_format))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"kernel_size": self.kernel_size, "data_format": self.data_format}
        return {**super().get_config(), **config}
