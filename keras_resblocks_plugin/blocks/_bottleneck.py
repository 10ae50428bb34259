import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.blocks._antialiased import AntialiasedBlock
from keras_resblocks_plugin.blocks._normalized_bottleneck import NormalizedBottleneck


@keras.saving.register_keras_serializable(PACKAGE)
class BottleneckResidualBlock(AntialiasedBlock, NormalizedBottleneck):
    """Contract, convolve, expand: `relu(x + bn(conv1x1(relu(bn(conv(relu(bn(conv1x1(x)))))))))`.

    The block of ResNet-50 ([He et al., 2015](https://arxiv.org/abs/1512.03385)), and of ResNeXt and
    wide ResNets. The sum has `expansion = 4` times `filters` channels. The strides are on the
    spatial convolution, as in PyTorch's ("v1.5"). See `ResidualBlock` for its other arguments,
    shapes and an example.

    Args:
        groups: int. The groups of the spatial convolution
            ([Xie et al., 2016](https://arxiv.org/abs/1611.05431)). Defaults to `1`.
        base_width: int. The channels of a group for 64 filters: the spatial convolution has
            `filters * base_width // 64 * groups`. `128` makes a wide ResNet
            ([Zagoruyko and Komodakis, 2016](https://arxiv.org/abs/1605.07146)). Defaults to `64`.
        antialias: `"average"`, `"blur"` or `None`. A pooling that takes over the strides of the
            spatial convolution ([Zhang, 2019](https://arxiv.org/abs/1904.11486)). Defaults to
            `None`.
    """
