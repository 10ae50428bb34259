import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._grouped import GroupedBottleneck
from keras_resblocks_plugin.blocks._preactivated import PreactivatedBlock


@keras.saving.register_keras_serializable(PACKAGE)
class PreActivationBottleneckResidualBlock(GroupedBottleneck, PreactivatedBlock):
    """Contract, convolve, expand: `x + conv1x1(relu(bn(conv(relu(bn(conv1x1(relu(bn(x)))))))))`.

    The block of ResNet-50 v2 ([He et al., 2016](https://arxiv.org/abs/1603.05027)). The sum has
    `expansion = 4` times `filters` channels. A projection reads the output of the first norm and
    activation, and has no norm of its own. See `ResidualBlock` for its other arguments, shapes
    and an example.

    Args:
        groups: int. The groups of the spatial convolution. Defaults to `1`.
        base_width: int. The channels of a group for 64 filters: the spatial convolution has
            `filters * base_width // 64 * groups`. Defaults to `64`.
    """

    def build_residual(self, input_shape):
        self.norm1 = self.norm(name="norm1")
        self.conv1 = self.conv(self.width, 1, name="conv1")
        self.norm2 = self.norm(name="norm2")
        self.conv2 = self.conv(
            self.width, self.kernel_size, self.strides, groups=self.groups, name="conv2"
        )
        self.norm3 = self.norm(name="norm3")
        self.conv3 = self.conv(self.filters * self.expansion, 1, name="conv3")
        self.attention = self.new_attention()
        contract, convolve = (self.norm1, self.conv1), (self.norm2, self.conv2)
        expand = (self.norm3, self.conv3, self.attention)
        return self.build_in_order(input_shape, *contract, *convolve, *expand)

    def convolve(self, h, training=None):
        x = self.conv1(h)
        x = self.conv2(self.activation(self.norm2(x, training=training)))
        return self.attention(self.conv3(self.activation(self.norm3(x, training=training))))
