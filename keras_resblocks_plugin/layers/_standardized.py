"""Convolution with weight standardization."""

from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._operations import standardize


@keras.saving.register_keras_serializable(PACKAGE)
class StandardizedConv2D(SymmetricConv2D):
    """`SymmetricConv2D` whose kernel has mean 0 and variance 1 for each output channel.

    Weight standardization ([Qiao et al., 2019](https://arxiv.org/abs/1903.10520)), as in BiT. The
    weight `kernel` is stored as it was trained, and standardized in each call. With LoRA, the sum
    of the kernel and its update is standardized, so that merging LoRA changes nothing.

    Args:
        filters: int. The number of output channels.
        kernel_size: int, odd. The side of the window.
        strides: int. The step of the window. Defaults to `1`.
        epsilon: float. Added to the variance. Defaults to `1e-8`.
        **kwargs: Arguments of `keras.layers.Conv2D`, except for `padding`.

    Input shape:
        The same as `SymmetricConv2D`.

    Output shape:
        The same as `SymmetricConv2D`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        epsilon: float = 1e-8,
        **kwargs: Any,
    ):
        super().__init__(filters, kernel_size, strides, **kwargs)
        self.epsilon = epsilon

    def add_weight(self, *args, name=None, **kwargs):
        # In mixed precision, the kernel is rounded after it is standardized, and not before.
        autocast = {"autocast": False} if name == "kernel" else {}
        return super().add_weight(*args, name=name, **autocast, **kwargs)

    def convolution_op(self, inputs, kernel):
        kernel = standardize(kernel, self.epsilon)
        return super().convolution_op(inputs, ops.cast(kernel, self.compute_dtype))

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
