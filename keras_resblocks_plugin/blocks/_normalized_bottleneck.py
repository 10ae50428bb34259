"""The template of the bottlenecks with a norm behind each of the three convolutions."""

import keras

from keras_resblocks_plugin.blocks._grouped import GroupedBottleneck


class NormalizedBottleneck(GroupedBottleneck):
    """Base of the bottlenecks: `relu(x + bn(conv1x1(relu(bn(conv(relu(bn(conv1x1(x)))))))))`.

    A subclass says which convolution has the strides, in `contract_strides` and `conv_strides`.
    """

    default_output_activation = "relu"
    default_normalization = "batch"

    # The strides of the first 1×1 convolution, and those of the spatial convolution.
    contract_strides: int = 1
    conv_strides: int = 1

    def new_pooling(self) -> keras.Layer:
        """Creates the layer behind the spatial convolution: the identity."""
        return keras.layers.Identity(dtype=self.dtype_policy, name="pool")

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.width, 1, self.contract_strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.conv2 = self.conv(
            self.width, self.kernel_size, self.conv_strides, groups=self.groups, name="conv2"
        )
        self.norm2 = self.norm(name="norm2")
        self.pool = self.new_pooling()
        self.conv3 = self.conv(self.filters * self.expansion, 1, name="conv3")
        self.norm3 = self.norm(name="norm3")
        self.attention = self.new_attention()
        contract, convolve = (self.conv1, self.norm1), (self.conv2, self.norm2, self.pool)
        expand = (self.conv3, self.norm3, self.attention)
        return self.build_in_order(input_shape, *contract, *convolve, *expand)

    def residual(self, x, training=None):
        x = self.activate(self.norm1(self.conv1(x), training=training))
        x = self.pool(self.activate(self.norm2(self.conv2(x), training=training)))
        return self.attention(self.norm3(self.conv3(x), training=training))
