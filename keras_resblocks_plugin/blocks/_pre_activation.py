from typing import Any

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class PreActivationResidualBlock(ResidualBlock):
    """Normalize and activate first (ResNet v2): `x + conv(relu(bn(conv(relu(bn(x))))))`.

    Nothing follows the sum, so that the identity runs through the whole network
    ([He et al., 2016](https://arxiv.org/abs/1603.05027)). A projection reads the output
    of the first norm and activation, and has no norm of its own. See `ResidualBlock`
    for the arguments, shapes and an example.
    """

    normalizes_projection = False

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        normalization: str | None = "batch",
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, normalization=normalization, **kwargs)

    def build_residual(self, input_shape):
        self.norm1 = self.norm(name="norm1")
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        self.norm2 = self.norm(name="norm2")
        self.conv2 = self.conv(self.filters, self.kernel_size, name="conv2")
        return self.build_in_order(input_shape, self.norm1, self.conv1, self.norm2, self.conv2)

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
        """The first norm and activation, which both branches may read."""
        return self.activation(self.norm1(x, training=training))

    def convolve(self, h: Any, training: bool | None = None) -> Any:
        """The rest of the residual branch, from the pre-activation on."""
        x = self.conv1(h)
        return self.conv2(self.activation(self.norm2(x, training=training)))
