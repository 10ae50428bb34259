"""Convolution that pads as Keras' `padding="same"` does."""

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D


@keras.saving.register_keras_serializable(PACKAGE)
class SamePaddedConv2D(SymmetricConv2D):
    """`Conv2D` with `padding="same"`, for weights that were trained with it.

    Where strides divide the size of the image, it pads one pixel more at the bottom and on the
    right than at the top and on the left.

    Args:
        filters: int. The number of output channels.
        kernel_size: int, odd. The side of the window.
        strides: int. The step of the window. Defaults to `1`.
        **kwargs: Arguments of `keras.layers.Conv2D`, except for `padding`.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **kwargs):
        super().__init__(filters, kernel_size, strides, **kwargs)
        self.padding = "same"

    def convolution_op(self, inputs, kernel):
        if self.strides[0] == 1:
            # Both paddings are the same then, and this one is faster on PyTorch.
            return super().convolution_op(inputs, kernel)
        return keras.layers.Conv2D.convolution_op(self, inputs, kernel)
