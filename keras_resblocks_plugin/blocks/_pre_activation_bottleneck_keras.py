import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._preactivated import PreactivatedBottleneck


@keras.saving.register_keras_serializable(PACKAGE)
class KerasPreActivationBottleneckResidualBlock(PreactivatedBottleneck):
    """The pre-activation bottleneck of `keras.applications.ResNet50V2`, with its epsilon.

    Convolutions that no norm follows have biases: the last one, and the projection. With strides
    and as many channels as the input, the shortcut `"auto"` is every `strides`-th pixel of the
    input. The sum has `expansion = 4` times `filters` channels. See `ResidualBlock` for its other
    arguments, shapes and an example.

    Args:
        groups: int. The groups of the spatial convolution. Defaults to `1`.
        base_width: int. The channels of a group for 64 filters: the spatial convolution has
            `filters * base_width // 64 * groups`. Defaults to `64`.
    """

    norm_epsilon = 1.001e-5
    biased_without_norm = True
    subsamples_identity = True
