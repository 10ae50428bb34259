"""Convolution, normalization, pooling and activation by PyTorch's fused operations.

Keras' PyTorch backend transposes kernels, pads and normalizes in separate passes over memory.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import torch
from torch.nn import functional

from keras_resblocks_plugin.layers import _portable


def convolve(x: Any, kernel: Any, strides: int, dilation: int, data_format: str) -> torch.Tensor:
    """Convolves with an odd kernel, and zeros around the image."""
    x, kernel = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(kernel)
    margin = dilation * (kernel.shape[0] - 1) // 2
    x = _channels_first(x, data_format)
    # A view of an ordered kernel. Kernels that are computed may lie otherwise.
    kernel = kernel.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    groups = x.shape[1] // kernel.shape[1]
    y = functional.conv2d(x, kernel, None, strides, margin, dilation, groups)
    return _as_given(y, data_format)


def ordered_kernel(initializer: Callable) -> Callable:
    """Lets an initializer return a kernel that lies in memory as `convolve` reads it.

    That is by output channel, height, width and input channel. The shape stays as Keras has it, and
    whatever copies, moves or assigns the variable keeps the order.
    """

    def initialize(shape, dtype=None):
        *window, filters = shape
        kernel = keras.ops.convert_to_tensor(initializer(shape, dtype=dtype))
        # Of two dimensions, which PyTorch transposes fastest.
        transposed = kernel.reshape(-1, filters).t().contiguous()
        return transposed.reshape(filters, *window).permute(1, 2, 3, 0)

    return initialize


def batch_norm(
    layer: keras.layers.BatchNormalization, x: Any, training: bool, mask: Any = None
) -> torch.Tensor | None:
    """Normalizes as a built `layer` does, and updates its moving statistics in training.

    Returns:
        The result, or `None` where PyTorch has no such normalization: with a mask, with batch
        renormalization, for integers, and in training for one value per channel.
    """
    x = keras.ops.convert_to_tensor(x)
    channels = x.shape[layer.axis]
    count = x.numel() // max(channels, 1)
    if mask is not None or layer.renorm or not x.is_floating_point() or (training and count < 2):
        return None
    # The statistics and scales of low precision are computed in float32, as by Keras.
    dtype = torch.promote_types(x.dtype, torch.float32)
    mean, variance = layer.moving_mean.value.to(dtype), layer.moving_variance.value.to(dtype)
    gamma = layer.gamma.value.to(dtype) if layer.scale else None
    beta = layer.beta.value.to(dtype) if layer.center else None
    if training:
        # PyTorch's moving variance is unbiased, and Keras' is not.
        correction = count / (count - 1)
        mean, variance = mean.clone(), variance * correction
    y = functional.batch_norm(
        x.movedim(layer.axis, 1),
        mean,
        variance,
        gamma,
        beta,
        training,
        1 - layer.momentum,
        layer.epsilon,
    )
    if training:
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance / correction)
    return keras.ops.cast(y.movedim(1, layer.axis), layer.compute_dtype)


def group_norm(layer: keras.layers.GroupNormalization, x: Any) -> torch.Tensor:
    """Normalizes as a built `layer` does."""
    x = keras.ops.convert_to_tensor(x)
    dtype = torch.promote_types(x.dtype, torch.float32)
    gamma = layer.gamma.value.to(dtype) if layer.scale else None
    beta = layer.beta.value.to(dtype) if layer.center else None
    x = x.to(dtype).movedim(layer.axis, 1)
    shape = x.shape
    if torch.is_grad_enabled() and not x.requires_grad:
        # In channels last, PyTorch 2.13 crashes in the gradient if the input itself has none.
        x = x.reshape(*shape[:2], math.prod(shape[2:]))
    y = torch.group_norm(x, layer.groups, gamma, beta, layer.epsilon).reshape(shape)
    return keras.ops.cast(y.movedim(1, layer.axis), layer.compute_dtype)


def standardize(kernel: Any, epsilon: float) -> torch.Tensor:
    """Gives a kernel the mean 0 and the variance 1 for each output channel, in at least float32."""
    # A view of an ordered kernel, of which each output channel lies in one piece.
    kernel = keras.ops.convert_to_tensor(kernel).permute(3, 0, 1, 2)
    kernel = kernel.to(torch.promote_types(kernel.dtype, torch.float32))
    return functional.layer_norm(kernel, kernel.shape[1:], eps=epsilon).permute(1, 2, 3, 0)


def max_pool(x: Any, size: int, strides: int, data_format: str) -> torch.Tensor:
    """Takes maxima of windows of odd size, with −∞ around the image."""
    x = _channels_first(keras.ops.convert_to_tensor(x), data_format)
    return _as_given(functional.max_pool2d(x, size, strides, size // 2), data_format)


def average_pixels(x: Any, strides: int, data_format: str) -> Any:
    """Averages tiles of `strides`×`strides` pixels; those at the far edges may be smaller."""
    if isinstance(x, keras.KerasTensor):
        return _portable.average_pixels(x, strides, data_format)
    x = _channels_first(keras.ops.convert_to_tensor(x), data_format)
    y = functional.avg_pool2d(x, strides, ceil_mode=True, count_include_pad=False)
    return _as_given(y, data_format)


def blur(x: Any, strides: int, data_format: str) -> torch.Tensor:
    """Takes every `strides`-th pixel of a 3×3 binomial blur, whose padding mirrors the image."""
    x = _channels_first(keras.ops.convert_to_tensor(x), data_format)
    row = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    channels = x.shape[1]
    kernel = torch.outer(row, row).expand(channels, 1, 3, 3)
    x = functional.pad(x, (1, 1, 1, 1), mode="reflect")
    return _as_given(functional.conv2d(x, kernel, None, strides, groups=channels), data_format)


def activate(x: Any, activation: Callable) -> Any:
    """Applies an activation to a tensor that nothing else reads: ReLU in the tensor's memory."""
    # Symbolic tensors come here as well, from traces. Convolutions and norms return views, and the
    # gradient of a changed view copies the whole tensor.
    in_place = activation is keras.activations.relu and torch.is_tensor(x) and not x.requires_grad
    return torch.relu_(x) if in_place else activation(x)


def activated_sum(x: Any, y: Any, activation: Callable) -> Any:
    """Applies an activation to a sum: ReLU in the sum's memory."""
    total = x + y
    in_place = activation is keras.activations.relu and torch.is_tensor(total)
    return torch.relu_(total) if in_place else activation(total)


def _channels_first(x: torch.Tensor, data_format: str) -> torch.Tensor:
    return x.permute(0, 3, 1, 2) if data_format == "channels_last" else x


def _as_given(x: torch.Tensor, data_format: str) -> torch.Tensor:
    return x.permute(0, 2, 3, 1) if data_format == "channels_last" else x


def _order_optimizer_variables() -> None:
    """Lets momentums and moving averages lie in memory as the weights that they belong to.

    An update that combines two orders takes five times as long. Keras creates these variables by
    shape alone, and neither a variable nor a layer or a model learns of the optimizer, so that only
    the method that creates them can do it. Weights of any other order, which all other layers
    have, are not concerned.
    """
    optimizer = keras.optimizers.Optimizer
    add_variable = optimizer.add_variable_from_reference
    if hasattr(add_variable, "keeps_order"):
        return

    @functools.wraps(add_variable)
    def add_ordered_variable(self, reference_variable, *args, **kwargs):
        variable = add_variable(self, reference_variable, *args, **kwargs)
        weight, value = reference_variable.value, variable.value
        if weight.shape == value.shape and not weight.is_contiguous():
            value.data = torch.empty_like(weight, dtype=value.dtype).copy_(value.data)
        return variable

    add_ordered_variable.keeps_order = True
    optimizer.add_variable_from_reference = add_ordered_variable


_order_optimizer_variables()
