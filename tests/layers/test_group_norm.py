"""Group normalization computes the same as numpy, and its gradients the same as its formula's."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_resblocks_plugin.layers._normalization import GroupNormalization
from tests.helpers import TOLERANCE, fill, images, needs_channels_first, to_channels_first, to_numpy


def built(shape, groups, **kwargs):
    layer = GroupNormalization(groups, epsilon=1e-5, **kwargs)
    layer.build(shape)
    return fill(layer)


def formula(layer, x):
    """The result, of channels last."""
    batch, height, width, channels = x.shape
    groups = x.reshape(batch, height, width, layer.groups, channels // layer.groups)
    mean, variance = (f(groups, axis=(1, 2, 4), keepdims=True) for f in (np.mean, np.var))
    normal = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape)
    gamma, beta = map(to_numpy, (layer.gamma, layer.beta))
    return normal * gamma + beta


@pytest.mark.parametrize("shape", [(2, 4, 3, 6), (1, 1, 1, 6), (2, 1, 1, 3)])
def test_result(shape):
    x = images(*shape)
    layer = built(shape, 3)
    np.testing.assert_allclose(to_numpy(layer(x)), formula(layer, x), **TOLERANCE)


@needs_channels_first
def test_channels_first():
    x = images(2, 4, 3, 6)
    layer = built((2, 6, 4, 3), 3, axis=1)
    expected = to_channels_first(formula(layer, x))
    np.testing.assert_allclose(to_numpy(layer(to_channels_first(x))), expected, **TOLERANCE)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "float16"])
def test_half_precision_is_computed_in_float32(dtype):
    # The squares overflow in float16.
    x = to_numpy(ops.cast(300 * images(2, 4, 3, 6), dtype.removeprefix("mixed_")))
    layer = built(x.shape, 3, dtype=dtype)
    actual = layer(ops.cast(x, layer.compute_dtype))
    assert keras.backend.standardize_dtype(actual.dtype) == layer.compute_dtype
    np.testing.assert_allclose(to_numpy(actual), formula(layer, x), rtol=2e-2, atol=2e-2)


# PyTorch has other code for inputs without gradients, and for one channel or pixel.
@pytest.mark.parametrize("shape", [(2, 4, 3, 6), (1, 1, 1, 6), (2, 4, 3, 1)])
@pytest.mark.parametrize("inner", [True, False])
def test_a_step_of_gradient_descent(shape, inner):
    x = images(*shape)
    inputs = keras.Input(shape[1:])
    first = keras.layers.Rescaling(1.0) if not inner else keras.layers.Dense(shape[-1])
    layer = GroupNormalization(min(3, shape[-1]), epsilon=1e-5)
    model = keras.Model(inputs, layer(first(inputs)))
    fill(model)
    normal = to_numpy(first(x))
    before = formula(layer, normal)
    gamma, beta = map(to_numpy, (layer.gamma, layer.beta))
    error = 2 * (before - 1) / before.size
    expected = beta - error.sum((0, 1, 2)), gamma - (error * (before - beta) / gamma).sum((0, 1, 2))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.train_on_batch(x, np.ones_like(x))
    for weight, values in zip((layer.beta, layer.gamma), expected, strict=True):
        np.testing.assert_allclose(to_numpy(weight), values, rtol=1e-4, atol=1e-5)
