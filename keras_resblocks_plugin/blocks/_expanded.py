import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class ExpandedResidualBlock(ResidualBlock):
    """Expand, convolve, contract (Method 4): `relu(x + conv1x1(relu(conv(relu(conv1x1(x))))))`.

    The spatial convolution runs on `inner_expansion = 4` times `filters` channels, the
    sum on `filters`. See `ResidualBlock` for the arguments, shapes and an example.
    """

    inner_expansion: int = 4
    default_output_activation = "relu"

    def build_residual(self, input_shape):
        inner = self.filters * self.inner_expansion
        self.conv1 = self.conv(inner, 1, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.conv2 = self.conv(inner, self.kernel_size, self.strides, name="conv2")
        self.norm2 = self.norm(name="norm2")
        self.conv3 = self.conv(self.filters, 1, name="conv3")
        self.norm3 = self.norm(name="norm3")
        self.attention = self.new_attention()
        expand, convolve = (self.conv1, self.norm1), (self.conv2, self.norm2)
        contract = (self.conv3, self.norm3, self.attention)
        return self.build_in_order(input_shape, *expand, *convolve, *contract)

    def residual(self, x, training=None):
        x = self.activate(self.norm1(self.conv1(x), training=training))
        x = self.activate(self.norm2(self.conv2(x), training=training))
        return self.attention(self.norm3(self.conv3(x), training=training))
