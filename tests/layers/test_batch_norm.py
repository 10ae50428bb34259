"""Batch normalization computes the same as numpy, in training too, on every backend."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_resblocks_plugin.layers import FreezableBatchNormalization
from tests.helpers import TOLERANCE, fill, images, needs_channels_first, to_channels_first, to_numpy


def built(shape, **kwargs):
    layer = FreezableBatchNormalization(momentum=0.9, epsilon=1e-5, **kwargs)
    layer.build(shape)
    return fill(layer)


def formula(layer, x, training):
    """The result and the new moving statistics, of channels last."""
    gamma, beta, moving_mean, moving_variance = map(to_numpy, layer.weights)
    mean, variance = moving_mean, moving_variance
    if training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        moving_mean = 0.9 * moving_mean + 0.1 * mean
        moving_variance = 0.9 * moving_variance + 0.1 * variance
    y = gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta
    return y, moving_mean, moving_variance


def check(layer, x, training=True, learns=True, tolerance=TOLERANCE):
    expected = formula(layer, x, training and learns)
    actual = (layer(x, training=training), layer.moving_mean, layer.moving_variance)
    for left, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(to_numpy(left), right, **tolerance)


# A moving variance that were unbiased would be off by half with three values per channel.
@pytest.mark.parametrize("shape", [(2, 4, 3, 5), (1, 3, 1, 5), (1, 1, 1, 5)])
@pytest.mark.parametrize("training", [True, False])
def test_result_and_moving_statistics(shape, training):
    check(built(shape), images(*shape), training)


def test_statistics_of_small_values_far_from_zero():
    x = 100 + images(4, 5, 5, 3) / 10
    check(built(x.shape), x, tolerance={"rtol": 1e-4, "atol": 1e-3})


@pytest.mark.parametrize("freeze", ["freeze_statistics", "trainable"])
def test_frozen_statistics(freeze):
    x = images(2, 4, 3, 5)
    layer = built(x.shape)
    setattr(layer, freeze, freeze == "freeze_statistics")
    check(layer, x, learns=False)


@needs_channels_first
def test_channels_first():
    x = images(2, 4, 3, 5)
    layer = built((2, 5, 4, 3), axis=1)
    expected = formula(layer, x, True)
    actual = (layer(to_channels_first(x), training=True), *layer.weights[2:])
    np.testing.assert_allclose(to_numpy(actual[0]), to_channels_first(expected[0]), **TOLERANCE)
    for left, right in zip(actual[1:], expected[1:], strict=True):
        np.testing.assert_allclose(to_numpy(left), right, **TOLERANCE)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "bfloat16", "float16"])
def test_half_precision_has_statistics_of_float32(dtype):
    x = np.asarray(to_numpy(ops.cast(3 + images(4, 6, 5, 3), dtype.removeprefix("mixed_"))))
    layer = built(x.shape, dtype=dtype)
    y, mean, variance = formula(layer, x, True)
    actual = layer(ops.cast(x, layer.compute_dtype), training=True)
    assert keras.backend.standardize_dtype(actual.dtype) == layer.compute_dtype
    np.testing.assert_allclose(to_numpy(actual), y, rtol=2e-2, atol=2e-2)
    tolerance = TOLERANCE if "mixed" in dtype else {"rtol": 1e-2, "atol": 1e-2}
    np.testing.assert_allclose(to_numpy(layer.moving_mean), mean, **tolerance)
    np.testing.assert_allclose(to_numpy(layer.moving_variance), variance, **tolerance)


@pytest.mark.parametrize("arguments", [{"scale": False}, {"center": False}])
def test_without_scale_or_shift(arguments):
    x = images(2, 4, 3, 5)
    layer = built(x.shape, **arguments)
    y = to_numpy(layer(x, training=True))
    normal = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    weight = to_numpy(layer.weights[0])
    np.testing.assert_allclose(y, normal + weight if layer.center else normal * weight, **TOLERANCE)


def test_masked_values_do_not_count():
    x = images(2, 4, 3, 5)
    layer = built(x.shape)
    mask = np.ones(x.shape[:3], bool)
    mask[:, :, 0] = False
    expected = 0.9 * to_numpy(layer.moving_mean) + 0.1 * x[:, :, 1:].mean((0, 1, 2))
    layer(x, training=True, mask=ops.convert_to_tensor(mask))
    np.testing.assert_allclose(to_numpy(layer.moving_mean), expected, **TOLERANCE)


def test_a_stateless_call_leaves_the_layer_alone():
    x = images(2, 4, 3, 5)
    layer = built(x.shape)
    before = layer.get_weights()
    _, mean, variance = formula(layer, x, True)
    learnable = [weight.value for weight in layer.trainable_variables]
    moving = [weight.value for weight in layer.non_trainable_variables]
    _, updated = layer.stateless_call(learnable, moving, x, training=True)
    np.testing.assert_allclose(to_numpy(updated[0]), mean, **TOLERANCE)
    np.testing.assert_allclose(to_numpy(updated[1]), variance, **TOLERANCE)
    for left, right in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)
