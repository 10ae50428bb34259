from collections.abc import Callable

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class IdentityResidualBlock(ResidualBlock):
    """One convolution, added to the input (Method 5): `x + conv(x)`.

    Nothing in it is nonlinear unless `activation` or `output_activation` is given: a
    stack of these blocks with their defaults is one linear map. See `ResidualBlock`
    for the arguments, shapes and an example.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        activation: str | Callable | None = None,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, activation, **kwargs)
        if self.zero_init_residual and self.activation is not keras.activations.linear:
            raise ValueError(
                "`zero_init_residual` needs `activation=None` in `IdentityResidualBlock`: "
                "behind an activation a zero convolution may never learn. "
                f"Received: activation={activation!r}"
            )

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        self.norm1 = self.norm(name="norm1")
        return self.build_in_order(input_shape, self.conv1, self.norm1)

    def residual(self, x, training=None):
        return self.activation(self.norm1(self.conv1(x), training=training))
