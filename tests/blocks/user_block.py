"""A user's own block, with an argument and layers of its own."""

import keras
from keras import ops

from keras_resblocks_plugin.blocks import ResidualBlock
from keras_resblocks_plugin.layers import spatial_axes


@keras.saving.register_keras_serializable("tests")
class GatedResidualBlock(ResidualBlock):
    """Two normalized convolutions with squeeze-and-excitation."""

    def __init__(self, filters, kernel_size=3, strides=1, reduction=2, **kwargs):
        kwargs = {"normalization": "batch", "output_activation": "relu", **kwargs}
        super().__init__(filters, kernel_size, strides, **kwargs)
        self.reduction = reduction

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
        self.norm2 = self.norm(name="norm2")
        squeezed = self.filters // self.reduction
        self.squeeze = keras.layers.Dense(squeezed, dtype=self.dtype_policy, name="squeeze")
        self.excite = keras.layers.Dense(self.filters, dtype=self.dtype_policy, name="excite")
        self.squeeze.build((None, self.filters))
        self.excite.build((None, squeezed))
        return self.build_in_order(input_shape, self.conv1, self.norm1, self.conv2, self.norm2)

    def residual(self, x, training=None):
        x = self.activation(self.norm1(self.conv1(x), training=training))
        x = self.norm2(self.conv2(x), training=training)
        means = ops.mean(x, axis=spatial_axes(self.data_format))
        gate = ops.sigmoid(self.excite(self.squeeze(means)))
        return x * ops.expand_dims(gate, spatial_axes(self.data_format))

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}
