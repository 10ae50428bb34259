import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._preactivated import PreactivatedBottleneck
from keras_resblocks_plugin.layers._standardized import StandardizedConv2D


@keras.saving.register_keras_serializable(PACKAGE)
class BiTResidualBlock(PreactivatedBottleneck):
    """The pre-activation bottleneck with standardized kernels and group norm, of Big Transfer.

    See [Kolesnikov et al., 2019](https://arxiv.org/abs/1912.11370): neither the statistics of a
    batch nor the sizes of the kernels matter. `norm_groups = 32` must divide the channels of every
    norm, the input's among them. See `ResidualBlock` for its other arguments, shapes and an
    example.

    Args:
        groups: int. The groups of the spatial convolution. Defaults to `1`.
        base_width: int. The channels of a group for 64 filters: the spatial convolution has
            `filters * base_width // 64 * groups`. Defaults to `64`.
    """

    conv_class = StandardizedConv2D
    default_normalization = "group"
