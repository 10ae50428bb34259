import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._antialiased import AntialiasedBlock


@keras.saving.register_keras_serializable(PACKAGE)
class BatchNormResidualBlock(AntialiasedBlock):
    """Two normalized convolutions (Method 3, ResNet v1): `relu(x + bn(conv(relu(bn(conv(x))))))`.

    The basic block of [He et al., 2015](https://arxiv.org/abs/1512.03385). See
    `ResidualBlock` for its other arguments, shapes and an example.

    Args:
        antialias: `"average"`, `"blur"` or `None`. A pooling that takes over the strides of the
            first convolution ([Zhang, 2019](https://arxiv.org/abs/1904.11486)). Defaults to `None`.
    """

    default_output_activation = "relu"
    default_normalization = "batch"

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, self.kernel_size, self.conv_strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        self.pool = self.new_pooling()
        self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
        self.norm2 = self.norm(name="norm2")
        self.attention = self.new_attention()
        first, second = (self.conv1, self.norm1, self.pool), (self.conv2, self.norm2)
        return self.build_in_order(input_shape, *first, *second, self.attention)

    def residual(self, x, training=None):
        x = self.pool(self.activate(self.norm1(self.conv1(x), training=training)))
        return self.attention(self.norm2(self.conv2(x), training=training))
