from collections.abc import Callable

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._post_activation import PostActivationResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class BatchNormResidualBlock(PostActivationResidualBlock):
    """Normalized convolutions (Method 3, ResNet v1): `relu(x + bn(conv(relu(bn(conv(x))))))`.

    The post-activation block with batch norm behind each convolution and a ReLU
    between them: the basic block of [He et al., 2015](https://arxiv.org/abs/1512.03385).
    See `ResidualBlock` for the arguments, shapes and an example.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        activation: str | Callable | None = "relu",
        output_activation: str | Callable | None = "relu",
        normalization: str | None = "batch",
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            activation,
            output_activation,
            normalization=normalization,
            **kwargs,
        )
