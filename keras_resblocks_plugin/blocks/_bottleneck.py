import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class BottleneckResidualBlock(ResidualBlock):
    """Contract, convolve, expand: `relu(x + bn(conv1x1(relu(bn(conv(relu(bn(conv1x1(x)))))))))`.

    The block of ResNet-50 ([He et al., 2015](https://arxiv.org/abs/1512.03385)). The spatial
    convolution runs on `filters` channels, the sum on `expansion = 4` times as many. The
    strides are on the spatial convolution, as in PyTorch's ("v1.5"). See `ResidualBlock`
    for the arguments, shapes and an example.
    """

    expansion = 4
    default_output_activation = "relu"
    default_normalization = "batch"

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, 1, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.conv2 = self.conv(self.filters, self.kernel_size, self.strides, name="conv2")
        self.norm2 = self.norm(name="norm2")
        self.conv3 = self.conv(self.filters * self.expansion, 1, name="conv3")
        self.norm3 = self.norm(name="norm3")
        contract, convolve = (self.conv1, self.norm1), (self.conv2, self.norm2)
        return self.build_in_order(input_shape, *contract, *convolve, self.conv3, self.norm3)

    def residual(self, x, training=None):
        x = self.activation(self.norm1(self.conv1(x), training=training))
        x = self.activation(self.norm2(self.conv2(x), training=training))
        return self.norm3(self.conv3(x), training=training)
