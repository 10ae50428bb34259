import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock
from keras_resblocks_plugin.layers._same_padding import SamePaddedConv2D


@keras.saving.register_keras_serializable(PACKAGE)
class MLPerfTinyResidualBlock(ResidualBlock):
    """The block of MLPerf Tiny's ResNet-8: ResNet v1 with Keras' `padding="same"`.

    The reference model of image classification in
    [Banbury et al., 2021](https://arxiv.org/abs/2106.07597). A projection has no norm. See
    `ResidualBlock` for the arguments, shapes and an example.
    """

    conv_class = SamePaddedConv2D
    default_output_activation = "relu"
    default_normalization = "batch"
    normalizes_projection = False
    norm_momentum = 0.99
    norm_epsilon = 1e-3

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
        return self.attention(self.norm2(self.conv2(x), training=training))
