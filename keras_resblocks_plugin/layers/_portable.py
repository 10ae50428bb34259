"""Convolution and pooling with symmetric padding, by Keras' operations."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin.layers._geometry import pad_pixels


def convolve(x: Any, kernel: Any, strides: int, dilation: int, data_format: str) -> Any:
    """Convolves with an odd kernel, and zeros around the image."""
    margin = dilation * (kernel.shape[0] - 1) // 2
    # Without strides, "same" is symmetric and needs no separate padding.
    padding = "same" if strides == 1 else "valid"
    if strides > 1 and margin:
        x = pad_pixels(x, margin, margin, data_format)
    return ops.conv(x, kernel, strides, padding, data_format, dilation)


def ordered_kernel(initializer: Callable) -> Callable:
    """Returns the initializer itself, since only PyTorch lets kernels have an order in memory."""
    return initializer


def batch_norm(
    layer: keras.layers.BatchNormalization, x: Any, training: bool, mask: Any = None
) -> Any:
    """Returns `None`: Keras' own normalization is the fastest."""


def max_pool(x: Any, size: int, strides: int, data_format: str) -> Any:
    """Takes maxima of windows of odd size, with −∞ around the image."""
    x = pad_pixels(x, size // 2, size // 2, data_format, -float("inf"))
    return ops.max_pool(x, size, strides, data_format=data_format)


def average_pixels(x: Any, strides: int, data_format: str) -> Any:
    """Averages tiles of `strides`×`strides` pixels; those at the far edges may be smaller."""

    def mean_with_zeros(x):
        x = pad_pixels(x, 0, strides - 1, data_format)
        return ops.average_pool(x, strides, strides, data_format=data_format)

    # Keras' own `padding="same"` counts pixels at the edges twice on PyTorch.
    present = ops.ones_like(x[:1, ...])
    return mean_with_zeros(x) / mean_with_zeros(present)


def activated_sum(x: Any, y: Any, activation: Callable) -> Any:
    """Applies an activation to a sum."""
    return activation(x + y)
