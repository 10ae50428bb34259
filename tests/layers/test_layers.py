"""Symmetric convolution and pooling compute the same as numpy."""

import json

import keras
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from keras_resblocks_plugin.layers import SymmetricConv2D, SymmetricMaxPooling2D
from tests.helpers import TOLERANCE, fill, images, needs_channels_first, to_channels_first, to_numpy

SIZES = [(8, 5), (7, 6), (1, 2)]


def windows(x, size, strides, dilation=1, value=0.0):
    """Windows over evenly padded images, as (batch, rows, columns, channels, height, width)."""
    margin = dilation * (size - 1) // 2
    padding = [(0, 0), (margin, margin), (margin, margin), (0, 0)]
    x = np.pad(x, padding, constant_values=value)
    reach = dilation * (size - 1) + 1
    views = sliding_window_view(x, (reach, reach), axis=(1, 2))
    return views[:, ::strides, ::strides, :, ::dilation, ::dilation]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("kernel_size", "strides"), [(1, 1), (3, 1), (1, 2), (3, 2), (7, 2), (5, 4)]
)
def test_convolution_pads_evenly(kernel_size, strides, size):
    x = images(2, *size, 3)
    layer = SymmetricConv2D(4, kernel_size, strides)
    assert layer(keras.Input((*size, 3))).shape == layer.compute_output_shape((None, *size, 3))
    fill(layer)
    kernel, bias = (to_numpy(w) for w in layer.weights)
    expected = np.einsum("bijchw,hwcf->bijf", windows(x, kernel_size, strides), kernel) + bias
    np.testing.assert_allclose(to_numpy(layer(x)), expected, **TOLERANCE)
    assert layer.compute_output_shape(x.shape) == expected.shape


@pytest.mark.parametrize("dilation_rate", [2, 3])
def test_dilated_convolution(dilation_rate):
    x = images(2, 8, 7, 3)
    layer = SymmetricConv2D(4, 3, dilation_rate=dilation_rate)
    layer.build(x.shape)
    fill(layer)
    kernel, bias = (to_numpy(w) for w in layer.weights)
    expected = np.einsum("bijchw,hwcf->bijf", windows(x, 3, 1, dilation_rate), kernel) + bias
    np.testing.assert_allclose(to_numpy(layer(x)), expected, **TOLERANCE)


@pytest.mark.parametrize("size", SIZES)
def test_max_pooling_never_picks_the_padding(size):
    x = -1 - np.abs(images(2, *size, 3))
    layer = SymmetricMaxPooling2D()
    expected = windows(x, 3, 2, value=-np.inf).max(axis=(-2, -1))
    np.testing.assert_array_equal(to_numpy(layer(x)), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer(keras.Input((*size, 3))).shape == (None, *expected.shape[1:])
    assert layer(keras.Input((None, None, 3))).shape == (None, None, None, 3)


@needs_channels_first
def test_channels_first():
    x = images(2, 7, 6, 3)
    conv = SymmetricConv2D(4, 3, 2, data_format="channels_last")
    conv_first = SymmetricConv2D(4, 3, 2, data_format="channels_first")
    pool = SymmetricMaxPooling2D("channels_last")
    pool_first = SymmetricMaxPooling2D("channels_first")
    conv.build(x.shape)
    conv_first.build((2, 3, 7, 6))
    conv_first.set_weights(fill(conv).get_weights())
    for last, first in ((conv, conv_first), (pool, pool_first)):
        expected = to_channels_first(to_numpy(last(x)))
        actual = to_numpy(first(to_channels_first(x)))
        np.testing.assert_allclose(actual, expected, **TOLERANCE)
        assert first.compute_output_shape((2, 3, 7, 6)) == expected.shape


@pytest.mark.parametrize(
    "layer",
    [
        SymmetricConv2D(4, 3, use_bias=False, name="mine"),
        SymmetricConv2D(4, 5, 2, kernel_initializer="zeros", dtype="bfloat16"),
        SymmetricMaxPooling2D("channels_first", name="mine"),
    ],
    ids=["same", "strided", "pool"],
)
def test_config_round_trip(layer):
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    revived = keras.saving.deserialize_keras_object(serialized)
    assert type(revived) is type(layer)
    assert revived.get_config() == layer.get_config()
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"kernel_size": 2}, "`kernel_size` must be a positive odd integer. Received: kernel_s"),
        ({"kernel_size": (3, 1)}, "`kernel_size` must be a positive odd integer. Received"),
        ({"strides": 0}, "`strides` must be a positive integer. Received: strides=0"),
        ({"strides": (2, 1)}, "`strides` must be a positive integer. Received"),
    ],
)
def test_invalid_windows_are_refused(kwargs, match):
    with pytest.raises(ValueError, match=match):
        SymmetricConv2D(**{"filters": 4, "kernel_size": 3, **kwargs})
