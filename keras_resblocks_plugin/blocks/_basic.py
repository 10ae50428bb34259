import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class BasicResidualBlock(ResidualBlock):
    """Two activated convolutions, added to the input (Method 1): `x + relu(conv(relu(conv(x))))`.

    `zero_init_residual` needs `activation=None`: after a ReLU, a convolution that starts
    at zero never learns. See `ResidualBlock` for the arguments, shapes and an example.
    """

    ends_in_activation = True

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
        self.norm2 = self.norm(name="norm2")
        self.attention = self.new_attention()
        first, second = (self.conv1, self.norm1), (self.conv2, self.norm2)
        return self.build_in_order(input_shape, *first, *second, self.attention)

    def residual(self, x, training=None):
        x = self.activate(self.norm1(self.conv1(x), training=training))
        return self.attention(self.activate(self.norm2(self.conv2(x), training=training)))
