"""Layers that residual blocks are built of, which compute the same on every backend."""

from keras_resblocks_plugin.layers._attention import EfficientChannelAttention, SqueezeExcitation
from keras_resblocks_plugin.layers._blur import BlurPooling2D, MaxBlurPooling2D
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._geometry import channel_axis, spatial_axes
from keras_resblocks_plugin.layers._initializers import HostGlorotUniform
from keras_resblocks_plugin.layers._normalization import FreezableBatchNormalization
from keras_resblocks_plugin.layers._pooling import SymmetricMaxPooling2D, TileAveragePooling2D
from keras_resblocks_plugin.layers._standardized import StandardizedConv2D

__all__ = [
    "BlurPooling2D",
    "EfficientChannelAttention",
    "FreezableBatchNormalization",
    "HostGlorotUniform",
    "MaxBlurPooling2D",
    "SqueezeExcitation",
    "StandardizedConv2D",
    "SymmetricConv2D",
    "SymmetricMaxPooling2D",
    "TileAveragePooling2D",
    "channel_axis",
    "spatial_axes",
]
