import keras

from keras_resblocks_plugin._registration import PACKAGE
from keras_resblocks_plugin.blocks.residual_block import ResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class BasicResidualBlock(ResidualBlock):
    """Two activated convolutions, added to the input (Method 1): `x + relu(conv(relu(conv(x))))`.

    Both terms are free to grow, and nothing follows the sum. See `ResidualBlock` for
    the arguments, shapes and an example. `zero_init_residual` is refused: behind a
    ReLU, a convolution that starts at zero has no gradient and never learns.
    """

    def __init__(self, filters, kernel_size=3, strides=1, **kwargs):
        super().__init__(filters, kernel_size, strides, **kwargs)
        if self.zero_init_residual:
            raise ValueError(
                "`zero_init_residual` must be False for `BasicResidualBlock`: its residual "
                "branch ends in an activation, behind which a zero convolution never learns. "
                "Use another block type. Received: zero_init_residual=True"
            )

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
        self.norm2 = self.norm(name="norm2")
        return self.build_in_order(input_shape, self.conv1, self.norm1, self.conv2, self.norm2)

    def residual(self, x, training=None):
        x = self.activation(self.norm1(self.conv1(x), training=training))
        return self.activation(self.norm2(self.conv2(x), training=training))
