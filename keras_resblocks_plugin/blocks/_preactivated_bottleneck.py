"""The template of the bottlenecks that normalize and activate before each convolution."""

from keras_resblocks_plugin.blocks._grouped import GroupedBottleneck
from keras_resblocks_plugin.blocks._preactivated import PreactivatedBlock


class PreactivatedBottleneck(GroupedBottleneck, PreactivatedBlock):
    """Base of the bottlenecks: `x + conv1x1(relu(bn(conv(relu(bn(conv1x1(relu(bn(x)))))))))`."""

    def build_residual(self, input_shape):
        self.norm1 = self.norm(name="norm1")
        self.conv1 = self.conv(self.width, 1, name="conv1")
        self.norm2 = self.norm(name="norm2")
        self.conv2 = self.conv(
            self.width, self.kernel_size, self.strides, groups=self.groups, name="conv2"
        )
        self.norm3 = self.norm(name="norm3")
        self.conv3 = self.conv(self.filters * self.expansion, 1, normalized=False, name="conv3")
        self.attention = self.new_attention()
        contract, convolve = (self.norm1, self.conv1), (self.norm2, self.conv2)
        expand = (self.norm3, self.conv3, self.attention)
        return self.build_in_order(input_shape, *contract, *convolve, *expand)

    def convolve(self, h, training=None):
        x = self.conv1(h)
        x = self.conv2(self.activation(self.norm2(x, training=training)))
        return self.attention(self.conv3(self.activation(self.norm3(x, training=training))))
