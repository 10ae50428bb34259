from collections.abc import Callable

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._post_activation import PostActivationResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class BasicResidualBlock(PostActivationResidualBlock):
    """Two activated convolutions, added to the input (Method 1): `x + relu(conv(relu(conv(x))))`.

    The post-activation block with its last activation before the sum instead of behind
    it. See `ResidualBlock` for the arguments, shapes and an example. `zero_init_residual`
    is refused: behind a ReLU, a convolution that starts at zero never learns.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        activation: str | Callable | None = "relu",
        output_activation: str | Callable | None = None,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, activation, output_activation, **kwargs)
        if self.zero_init_residual:
            raise ValueError(
                "`zero_init_residual` must be False for `BasicResidualBlock`: its residual "
                "branch ends in an activation, behind which a zero convolution never learns. "
                "Use another block type. Received: zero_init_residual=True"
            )

    def residual(self, x, training=None):
        return self.activation(super().residual(x, training))
