import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._preactivated import PreactivatedBlock


@keras.saving.register_keras_serializable(PACKAGE)
class PreActivationBottleneckResidualBlock(PreactivatedBlock):
    """Contract, convolve, expand: `x + conv1x1(relu(bn(conv(relu(bn(conv1x1(relu(bn(x)))))))))`.

    The block of ResNet-50 v2 ([He et al., 2016](https://arxiv.org/abs/1603.05027)). The
    spatial convolution runs on `filters` channels, the sum on `expansion = 4` times as many.
    A projection reads the output of the first norm and activation, and has no norm of its
    own. See `ResidualBlock` for the arguments, shapes and an example.
    """

    expansion = 4

    def build_residual(self, input_shape):
        self.norm1 = self.norm(name="norm1")
        self.conv1 = self.conv(self.filters, 1, name="conv1")
        self.norm2 = self.norm(name="norm2")
        self.conv2 = self.conv(self.filters, self.kernel_size, self.strides, name="conv2")
        self.norm3 = self.norm(name="norm3")
        self.conv3 = self.conv(self.filters * self.expansion, 1, name="conv3")
        contract, convolve = (self.norm1, self.conv1), (self.norm2, self.conv2)
        return self.build_in_order(input_shape, *contract, *convolve, self.norm3, self.conv3)

    def convolve(self, h, training=None):
        x = self.conv1(h)
        x = self.conv2(self.activation(self.norm2(x, training=training)))
        return self.conv3(self.activation(self.norm3(x, training=training)))
