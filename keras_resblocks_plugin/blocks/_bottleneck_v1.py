import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._normalized_bottleneck import NormalizedBottleneck


@keras.saving.register_keras_serializable(PACKAGE)
class BottleneckV1ResidualBlock(NormalizedBottleneck):
    """The bottleneck with the strides on its first 1×1 convolution, as in the paper.

    The block of `keras.applications.ResNet50`
    ([He et al., 2015](https://arxiv.org/abs/1512.03385)), with its epsilon. The sum has
    `expansion = 4` times `filters` channels. See `ResidualBlock` for its other arguments, shapes
    and an example.

    Args:
        groups: int. The groups of the spatial convolution. Defaults to `1`.
        base_width: int. The channels of a group for 64 filters: the spatial convolution has
            `filters * base_width // 64 * groups`. Defaults to `64`.
    """

    norm_epsilon = 1.001e-5

    @property
    def contract_strides(self) -> int:
        return self.strides
