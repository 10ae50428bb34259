"""The poolings behind a backbone's stem, by the name that `input_pooling` takes."""

import functools
from types import MappingProxyType

import keras

from keras_resblocks_plugin.layers._blur import MaxBlurPooling2D
from keras_resblocks_plugin.layers._pooling import SymmetricMaxPooling2D

STEM_POOLINGS = MappingProxyType(
    {
        "max": SymmetricMaxPooling2D,
        "max_zero_padded": functools.partial(SymmetricMaxPooling2D, zero_padded=True),
        # Pixels of an odd side's last row or column are dropped, as PyTorch does.
        "average": functools.partial(keras.layers.AveragePooling2D, 2),
        "max_blur": MaxBlurPooling2D,
    }
)
"""Functions that create the pooling; they take `data_format`, `dtype` and `name` as keywords."""
