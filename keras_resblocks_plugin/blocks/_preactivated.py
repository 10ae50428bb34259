"""The template of the blocks that normalize and activate first."""

from typing import Any

from keras_resblocks_plugin.blocks._grouped import GroupedBottleneck
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


class PreactivatedBlock(ResidualBlock):
    """Base of the pre-activation blocks: `shortcut + convolve(activation(norm1(x)))`.

    A projection reads the output of the first norm and activation, and has no norm of its
    own. A subclass creates `norm1` and its other layers in `build_residual()`, and applies
    the others in `convolve()`.
    """

    default_normalization = "batch"
    preactivates = True
    normalizes_projection = False

    def branches(self, x, training=None):
        # One pre-activation for both, so that its statistics are updated once.
        h = self.preactivate(x, training)
        shortcut = super().shortcut(h if self.projects else x, training)
        return shortcut, self.convolve(h, training)

    def shortcut(self, x, training=None):
        return super().shortcut(self.preactivate(x, training) if self.projects else x, training)

    def residual(self, x, training=None):
        return self.convolve(self.preactivate(x, training), training)

    def preactivate(self, x: Any, training: bool | None = None) -> Any:
        """Applies the first norm and activation, which both branches may read."""
        h = self.norm1(x, training=training)
        # Without a norm, `h` is the input of the block.
        return self.activation(h) if self.normalization is None else self.activate(h)

    def convolve(self, h: Any, training: bool | None = None) -> Any:
        """Applies the layers of the residual branch that follow the pre-activation."""
        raise NotImplementedError(f"{type(self).__name__} must define `convolve()`.")


class PreactivatedBottleneck(GroupedBottleneck, PreactivatedBlock):
    """Base of the pre-activation bottlenecks: contract, convolve, expand."""

    def build_residual(self, input_shape):
        self.norm1 = self.norm(name="norm1")
        self.conv1 = self.conv(self.width, 1, name="conv1")
        self.norm2 = self.norm(name="norm2")
        self.conv2 = self.conv(
            self.width, self.kernel_size, self.strides, groups=self.groups, name="conv2"
        )
        self.norm3 = self.norm(name="norm3")
        self.conv3 = self.bare_conv(self.filters * self.expansion, 1, name="conv3")
        self.attention = self.new_attention()
        contract, convolve = (self.norm1, self.conv1), (self.norm2, self.conv2)
        expand = (self.norm3, self.conv3, self.attention)
        return self.build_in_order(input_shape, *contract, *convolve, *expand)

    def convolve(self, h, training=None):
        x = self.conv1(h)
        x = self.conv2(self.activate(self.norm2(x, training=training)))
        return self.attention(self.conv3(self.activate(self.norm3(x, training=training))))
