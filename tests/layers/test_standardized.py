"""Weight standardization computes the same as numpy, with groups, LoRA and mixed precision."""

import json

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.layers import StandardizedConv2D, SymmetricConv2D
from tests.helpers import TOLERANCE, fill, images, to_numpy


def standardize(kernel, epsilon=1e-8):
    mean, variance = (f(kernel, axis=(0, 1, 2), keepdims=True) for f in (np.mean, np.var))
    return (kernel - mean) / np.sqrt(variance + epsilon)


def filled(layer, shape=(None, None, None, 8)):
    layer.build(shape)
    return fill(layer)


def plain_outputs(x, kernel, bias, strides=1, groups=1):
    """The outputs of a convolution with this kernel."""
    plain = SymmetricConv2D(kernel.shape[-1], kernel.shape[0], strides, groups=groups)
    plain.build(x.shape)
    plain.set_weights([kernel, bias])
    return to_numpy(plain(x))


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("epsilon", [1e-8, 1e-2])
def test_kernel_is_standardized(kernel_size, strides, groups, epsilon):
    x = images(2, 7, 6, 8)
    layer = filled(StandardizedConv2D(12, kernel_size, strides, epsilon=epsilon, groups=groups))
    kernel, bias = map(to_numpy, layer.weights)
    expected = plain_outputs(x, standardize(kernel, epsilon), bias, strides, groups)
    np.testing.assert_allclose(to_numpy(layer(x)), expected, rtol=1e-5, atol=1e-4)
    # The weight is as it was.
    np.testing.assert_array_equal(to_numpy(layer.kernel), kernel)


def test_a_zero_kernel_gives_zeros():
    layer = StandardizedConv2D(4, 3, kernel_initializer="zeros")
    layer.build((None, None, None, 8))
    assert not to_numpy(layer(images(2, 5, 5, 8))).any()


def test_the_sum_of_kernel_and_lora_is_standardized(tmp_path):
    x = images(2, 7, 6, 8)
    layer = filled(StandardizedConv2D(12, 3, name="mine"))
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(images(2, 12))
    merged, bias = to_numpy(layer.kernel), to_numpy(layer.bias)
    expected = plain_outputs(x, standardize(merged), bias)
    np.testing.assert_allclose(to_numpy(layer(x)), expected, rtol=1e-5, atol=1e-4)
    # A layer with the merged kernel computes the same.
    again = StandardizedConv2D(12, 3)
    again.build((None, None, None, 8))
    again.set_weights([merged, bias])
    np.testing.assert_allclose(to_numpy(again(x)), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_rounds_the_standardized_kernel(policy):
    # Far from zero, where the rounded kernel would have lost its differences.
    layer = StandardizedConv2D(12, 3, dtype=policy, use_bias=False)
    layer.build((None, None, None, 8))
    kernel = 1 + images(3, 3, 8, 12) / 1000
    layer.set_weights([kernel])
    x = images(2, 7, 6, 8)
    output = layer(x)
    assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype
    expected = plain_outputs(x, standardize(kernel), np.zeros(12))
    # 72 products, each rounded by 2^-9 of its value of order 1.
    assert np.abs(to_numpy(output) - expected).max() < 0.2


def test_config_round_trip():
    layer = StandardizedConv2D(4, 3, 2, epsilon=1e-6, groups=2, name="mine")
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    revived = keras.saving.deserialize_keras_object(serialized)
    assert type(revived) is StandardizedConv2D
    assert revived.get_config() == layer.get_config()


def test_a_model_keeps_kernel_and_lora(tmp_path):
    inputs = keras.Input((6, 6, 8))
    layer = StandardizedConv2D(12, 3)
    model = keras.Model(inputs, layer(inputs))
    fill(layer)
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(images(2, 12))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = images(2, 6, 6, 8)
    np.testing.assert_allclose(to_numpy(loaded(x)), to_numpy(model(x)), **TOLERANCE)


def test_training_moves_the_kernel():
    inputs = keras.Input((6, 6, 8))
    layer = StandardizedConv2D(12, 3)
    model = keras.Model(inputs, layer(inputs))
    fill(layer)
    before = to_numpy(layer.kernel).copy()
    model.compile("sgd", "mse")
    loss = model.fit(images(4, 6, 6, 8), images(4, 6, 6, 12), verbose=0).history["loss"]
    assert np.isfinite(loss).all()
    assert not np.array_equal(to_numpy(layer.kernel), before)
