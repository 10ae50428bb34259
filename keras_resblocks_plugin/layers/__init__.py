"""Layers that residual blocks are built of, which compute the same on every backend."""

from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._geometry import channel_axis, spatial_axes
from keras_resblocks_plugin.layers._initializers import HostGlorotUniform
from keras_resblocks_plugin.layers._normalization import FreezableBatchNormalization
from keras_resblocks_plugin.layers._pooling import SymmetricMaxPooling2D

__all__ = [
    "FreezableBatchNormalization",
    "HostGlorotUniform",
    "SymmetricConv2D",
    "SymmetricMaxPooling2D",
    "channel_axis",
    "spatial_axes",
]
