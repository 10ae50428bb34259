import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class IdentityResidualBlock(ResidualBlock):
    """One convolution, added to the input (Method 5): `x + conv(x)`.

    It is linear unless `activation` or `output_activation` is given: a stack of these
    blocks with their defaults is one linear map. See `ResidualBlock` for the arguments,
    shapes and an example.
    """

    default_activation = None
    ends_in_activation = True

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.attention = self.new_attention()
        return self.build_in_order(input_shape, self.conv1, self.norm1, self.attention)

    def residual(self, x, training=None):
        return self.attention(self.activate(self.norm1(self.conv1(x), training=training)))
