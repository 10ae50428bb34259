"""Convolution, normalization, pooling and activation by Keras' operations."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin.layers._geometry import pad_pixels, spatial_axes


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


def group_norm(layer: keras.layers.GroupNormalization, x: Any) -> Any:
    """Normalizes as a built `layer` does."""
    return keras.layers.GroupNormalization.call(layer, x)


def standardize(kernel: Any, epsilon: float) -> Any:
    """Gives a kernel the mean 0 and the variance 1 for each output channel, in at least float32."""
    # Means over the window and the input channels of a group.
    axes = (0, 1, 2)
    kernel = ops.cast(kernel, keras.backend.result_type(kernel.dtype, "float32"))
    centered = kernel - ops.mean(kernel, axis=axes, keepdims=True)
    variance = ops.mean(ops.square(centered), axis=axes, keepdims=True)
    return centered * ops.rsqrt(variance + epsilon)


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


def blur(x: Any, strides: int, data_format: str) -> Any:
    """Takes every `strides`-th pixel of a 3×3 binomial blur, whose padding mirrors the image."""
    axes = spatial_axes(data_format)
    x = ops.pad(x, [[int(axis in axes)] * 2 for axis in range(4)], mode="reflect")
    for axis in axes:
        before, here, after = (
            x[(slice(None),) * axis + (slice(start, stop, strides),)]
            for start, stop in ((0, -2), (1, -1), (2, None))
        )
        x = (before + 2 * here + after) / 4
    return x


def activate(x: Any, activation: Callable) -> Any:
    """Applies an activation to a tensor that nothing else reads."""
    return activation(x)


def activated_sum(x: Any, y: Any, activation: Callable) -> Any:
    """Applies an activation to a sum."""
    return activation(x + y)
