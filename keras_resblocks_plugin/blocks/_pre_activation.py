import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._preactivated import PreactivatedBlock


@keras.saving.register_keras_serializable(PACKAGE)
class PreActivationResidualBlock(PreactivatedBlock):
    """Normalize and activate first (ResNet v2): `x + conv(relu(bn(conv(relu(bn(x))))))`.

    Nothing follows the sum, so that the identity runs through the whole network
    ([He et al., 2016](https://arxiv.org/abs/1603.05027)). A projection reads the output
    of the first norm and activation, and has no norm of its own. See `ResidualBlock`
    for the arguments, shapes and an example.
    """

    def build_residual(self, input_shape):
        self.norm1 = self.norm(name="norm1")
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        self.norm2 = self.norm(name="norm2")
        self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
        self.attention = self.new_attention()
        first, second = (self.norm1, self.conv1), (self.norm2, self.conv2)
        return self.build_in_order(input_shape, *first, *second, self.attention)

    def convolve(self, h, training=None):
        x = self.conv1(h)
        return self.attention(self.conv2(self.activate(self.norm2(x, training=training))))
