"""Convolution and pooling that pad both sides alike, on every backend."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_resblocks_plugin._utils._kerashub import flatten_layers, frozen_kernel
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.layers._freezing import Freezable
from keras_resblocks_plugin.layers._initializers import HostGlorotUniform
from keras_resblocks_plugin.lora._lora import merged_kernel


def freezable_norms(layer: keras.Layer) -> list["FreezableBatchNormalization"]:
    """The batch norms inside a layer whose statistics can be frozen."""
    return [x for x in flatten_layers(layer) if isinstance(x, FreezableBatchNormalization)]


def channel_axis(data_format: str) -> int:
    """The axis of the channels in a rank-4 tensor of that `data_format`."""
    return 3 if data_format == "channels_last" else 1


def spatial_axes(data_format: str) -> tuple[int, int]:
    """The axes of height and width in a rank-4 tensor of that `data_format`."""
    return (1, 2) if data_format == "channels_last" else (2, 3)


def strided_shape(shape: tuple, strides: int, filters: int, data_format: str) -> tuple:
    """The shape after a symmetrically padded window of odd size: `ceil(n / strides)`."""
    shape = list(shape)
    for axis in spatial_axes(data_format):
        if shape[axis] is not None:
            shape[axis] = -(-shape[axis] // strides)
    shape[channel_axis(data_format)] = filters
    return tuple(shape)


def pad_channels(x: Any, filters: int, strides: int, data_format: str) -> Any:
    """Every `strides`-th pixel, with zero channels split evenly before and after."""
    steps = [slice(None)] * 4
    for axis in spatial_axes(data_format):
        steps[axis] = slice(None, None, strides)
    axis = channel_axis(data_format)
    missing = filters - x.shape[axis]
    widths = [[0, 0]] * 4
    widths[axis] = [missing // 2, missing - missing // 2]
    return ops.pad(x[tuple(steps)], widths)


def average_pixels(x: Any, strides: int, data_format: str) -> Any:
    """The means of `strides`×`strides` tiles; those at the far edges may be smaller."""

    def mean_with_zeros(x):
        x = _pad(x, 0, strides - 1, data_format)
        return ops.average_pool(x, strides, strides, data_format=data_format)

    # Keras' own `padding="same"` counts pixels twice at the edges on PyTorch.
    present = ops.ones_like(x[:1, ...])
    return mean_with_zeros(x) / mean_with_zeros(present)


def _pad(x: Any, before: int, after: int, data_format: str, value: float = 0.0) -> Any:
    widths = [[0, 0]] * 4
    for axis in spatial_axes(data_format):
        widths[axis] = [before, after]
    return ops.pad(x, widths, constant_values=value)


@keras.saving.register_keras_serializable(PACKAGE)
class SymmetricConv2D(Freezable, keras.layers.Conv2D):
    """`Conv2D` that pads `(kernel_size - 1) / 2` zeros on each side, as PyTorch does.

    With strides, Keras' `padding="same"` pads unevenly on TensorFlow and JAX, so
    that weights trained elsewhere would see every image shifted by a pixel.

    Args:
        filters: int. The number of output channels.
        kernel_size: int, odd. The side of the window.
        strides: int. The step of the window. Defaults to `1`.
        **kwargs: Everything else that `keras.layers.Conv2D` takes but `padding`.

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
        # Without strides "same" is symmetric, and needs no separate padding.
        kwargs["padding"] = "same" if strides == 1 else "valid"
        super().__init__(filters, kernel_size, strides, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        self.restore_state()

    def call(self, inputs):
        margin = self.dilation_rate[0] * (self.kernel_size[0] - 1) // 2
        if self.padding == "valid" and margin:
            inputs = _pad(inputs, margin, margin, self.data_format)
        return super().call(inputs)

    def compute_output_shape(self, input_shape):
        return strided_shape(input_shape, self.strides[0], self.filters, self.data_format)

    def save_own_variables(self, store):
        if not self.lora_enabled:
            super().save_own_variables(store)
            return
        # Keras saves the merged kernel alone, from which no training could go on: it loads
        # as a frozen kernel with additions that are zero and stay so.
        store["0"] = merged_kernel(self)
        if self.use_bias:
            store["1"] = self.bias
        for weight in (frozen_kernel(self), self.lora_kernel_a, self.lora_kernel_b):
            store[weight.name] = weight
        if self.lora_alpha != self.lora_rank:
            store["lora_alpha"] = np.asarray(self.lora_alpha, "float64")

    def load_own_variables(self, store):
        names = list(store.keys())
        lora = {name: store[name] for name in names if not name.isdigit()}
        merged = {name: store[name] for name in names if name.isdigit()}
        if not self.lora_enabled:
            super().load_own_variables(merged)
            return
        start = ops.copy(self.lora_kernel_a)
        super().load_own_variables(merged)
        if lora and tuple(lora["lora_kernel_a"].shape) == tuple(start.shape):
            for weight in (frozen_kernel(self), self.lora_kernel_a, self.lora_kernel_b):
                weight.assign(lora[weight.name])
            # The same additions to the kernel, whatever this layer multiplies them by.
            alpha = float(np.asarray(lora.get("lora_alpha", self.lora_rank)))
            if alpha != self.lora_alpha:
                self.lora_kernel_b.assign(self.lora_kernel_b * (alpha / self.lora_alpha))
        else:
            # One of the two starts at zero, not both, or neither would ever have a gradient.
            self.lora_kernel_a.assign(start)

    def get_config(self):
        config = super().get_config()
        del config["padding"]
        return {**config, "kernel_size": self.kernel_size[0], "strides": self.strides[0]}


@keras.saving.register_keras_serializable(PACKAGE)
class SymmetricMaxPooling2D(keras.layers.MaxPooling2D):
    """3×3 max pooling with stride 2 that pads one −∞ on each side, as PyTorch does.

    −∞ and not zero, so that the padding never wins where the inputs are negative.

    Args:
        data_format: `"channels_last"`, `"channels_first"` or `None`.
        **kwargs: Base layer arguments (e.g. `name` and `dtype`).

    Input shape:
        `(batch, height, width, channels)`, or channels first.

    Output shape:
        The input's, with `ceil(size / 2)` in space.
    """

    def __init__(self, data_format: str | None = None, **kwargs):
        super().__init__(3, strides=2, data_format=data_format, **kwargs)

    def call(self, inputs):
        return super().call(_pad(inputs, 1, 1, self.data_format, -float("inf")))

    def compute_output_shape(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        return strided_shape(input_shape, 2, channels, self.data_format)

    def get_config(self):
        config = super().get_config()
        for fixed in ("pool_size", "strides", "padding"):
            del config[fixed]
        return config


@keras.saving.register_keras_serializable(PACKAGE)
class FreezableBatchNormalization(Freezable, keras.layers.BatchNormalization):
    """`BatchNormalization` whose statistics can stay as they are while its scale and shift learn.

    An attribute and not a call with `training=False`, which a functional model in training
    would replace by its own `training=True`.

    Args:
        freeze_statistics: bool. Whether training uses the moving statistics, and leaves them
            alone. It may be set at any time before the model is compiled.
        **kwargs: Everything that `keras.layers.BatchNormalization` takes.

    Input shape:
        As that of `keras.layers.BatchNormalization`.

    Output shape:
        The input's.
    """

    def __init__(self, *, freeze_statistics: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.freeze_statistics = freeze_statistics

    def build(self, input_shape):
        super().build(input_shape)
        self.restore_state()

    def call(self, inputs, training=None, mask=None):
        training = training and not self.freeze_statistics
        return super().call(inputs, training=training, mask=mask)

    def get_config(self):
        return {**super().get_config(), "freeze_statistics": self.freeze_statistics}
