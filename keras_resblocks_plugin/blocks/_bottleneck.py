import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._antialiased import AntialiasedBlock
from keras_resblocks_plugin.blocks._grouped import GroupedBottleneck


@keras.saving.register_keras_serializable(PACKAGE)
class BottleneckResidualBlock(GroupedBottleneck, AntialiasedBlock):
    """Contract, convolve, expand: `relu(x + bn(conv1x1(relu(bn(conv(relu(bn(conv1x1(x)))))))))`.

    The block of ResNet-50 ([He et al., 2015](https://arxiv.org/abs/1512.03385)), and of ResNeXt and
    wide ResNets. The sum has `expansion = 4` times `filters` channels. The strides are on the
    spatial convolution, as in PyTorch's ("v1.5"). See `ResidualBlock` for its other arguments,
    shapes and an example.

    Args:
        groups: int. The groups of the spatial convolution
            ([Xie et al., 2016](https://arxiv.org/abs/1611.05431)). Defaults to `1`.
        base_width: int. The channels of a group for 64 filters: the spatial convolution has
            `filters * base_width // 64 * groups`. `128` makes a wide ResNet
            ([Zagoruyko and Komodakis, 2016](https://arxiv.org/abs/1605.07146)). Defaults to `64`.
        antialias: `"average"`, `"blur"` or `None`. A pooling that takes over the strides of the
            spatial convolution ([Zhang, 2019](https://arxiv.org/abs/1904.11486)). Defaults to
            `None`.
    """

    default_output_activation = "relu"
    default_normalization = "batch"

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.width, 1, name="conv1")
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
        x = self.activation(self.norm1(self.conv1(x), training=training))
        x = self.pool(self.activation(self.norm2(self.conv2(x), training=training)))
        return self.attention(self.norm3(self.conv3(x), training=training))
