"""Convolution that pads both sides alike, on every backend."""

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.layers._freezing import Freezable
from keras_resblocks_plugin.layers._geometry import strided_shape
from keras_resblocks_plugin.layers._initializers import HostGlorotUniform
from keras_resblocks_plugin.layers._operations import convolve, ordered_kernel
from keras_resblocks_plugin.lora._variables import LoRAVariables


@keras.saving.register_keras_serializable(PACKAGE)
class SymmetricConv2D(Freezable, LoRAVariables, keras.layers.Conv2D):
    """`Conv2D` that pads `(kernel_size - 1) / 2` zeros on each side, as PyTorch does.

    With strides, Keras' `padding="same"` pads unevenly on TensorFlow and JAX, which shifts
    the image by a pixel for weights trained in PyTorch.

    Args:
        filters: int. The number of output channels.
        kernel_size: int, odd. The side of the window.
        strides: int. The step of the window. Defaults to `1`.
        **kwargs: Arguments of `keras.layers.Conv2D`, except for `padding`.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, channels, height, width)`
        with `data_format="channels_first"`.

    Output shape:
        The input's, with `ceil(size / strides)` in space and `filters` channels.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **kwargs):
        check_positive_int("kernel_size", kernel_size, odd=True)
        check_positive_int("strides", strides)
        kwargs.setdefault("kernel_initializer", HostGlorotUniform())
        # What Keras' own checks of shapes are to read.
        kwargs["padding"] = "same" if strides == 1 else "valid"
        super().__init__(filters, kernel_size, strides, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        self.restore_state()

    def add_weight(self, *args, name=None, initializer=None, **kwargs):
        if name == "kernel":
            initializer = ordered_kernel(initializer)
        return super().add_weight(*args, name=name, initializer=initializer, **kwargs)

    def convolution_op(self, inputs, kernel):
        # All kernels come here: with LoRA, and those that subclasses compute.
        strides, dilation = self.strides[0], self.dilation_rate[0]
        return convolve(inputs, kernel, strides, dilation, self.data_format)

    def compute_output_shape(self, input_shape):
        return strided_shape(input_shape, self.strides[0], self.filters, self.data_format)

    def get_config(self):
        config = super().get_config()
        del config["padding"]
        return {**config, "kernel_size": self.kernel_size[0], "strides": self.strides[0]}
