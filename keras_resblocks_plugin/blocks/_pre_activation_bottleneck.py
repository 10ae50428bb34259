import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._preactivated import PreactivatedBottleneck


@keras.saving.register_keras_serializable(PACKAGE)
class PreActivationBottleneckResidualBlock(PreactivatedBottleneck):
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
