from collections.abc import Callable

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._expanded import ExpandedResidualBlock


@keras.saving.register_keras_serializable(PACKAGE)
class BottleneckResidualBlock(ExpandedResidualBlock):
    """Contract, convolve, expand, each normalized: the block of ResNet-50.

    The expanded block turned inside out: the spatial convolution runs on `filters`
    channels, the sum on `expansion = 4` times as many
    ([He et al., 2015](https://arxiv.org/abs/1512.03385)). The strides are on the
    spatial convolution, as in PyTorch's ("v1.5"). See `ResidualBlock` for the
    arguments, shapes and an example.
    """

    expansion = 4
    inner_expansion = 1

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
