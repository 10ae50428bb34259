"""The poolings of stems and of anti-aliased blocks compute the same as numpy."""

import json

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.layers import (
    BlurPooling2D,
    MaxBlurPooling2D,
    SymmetricMaxPooling2D,
    TileAveragePooling2D,
)
from keras_resblocks_plugin.layers._stem_pooling import STEM_POOLINGS
from tests.helpers import TOLERANCE, images, needs_channels_first, to_channels_first, to_numpy
from tests.layers.test_layers import windows

SIZES = [(8, 5), (7, 6), (2, 3)]
BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]) / 16


def blur(x, strides=2):
    x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.einsum("bijchw,hw->bijc", views[:, ::strides, ::strides], BINOMIAL)


def max_pool(x, strides=2, value=-np.inf):
    return windows(x, 3, strides, value=value).max(axis=(-2, -1))


def whole_tiles(x):
    batch, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).mean((2, 4))


EXPECTED = {
    "max": max_pool,
    "max_zero_padded": lambda x: max_pool(x, value=0.0),
    "average": whole_tiles,
    "max_blur": lambda x: blur(max_pool(x, strides=1)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EXPECTED)
def test_stem_poolings(name, size):
    # Negative, so that padded zeros are seen.
    x = -1 - np.abs(images(2, *size, 3))
    layer = STEM_POOLINGS[name](data_format="channels_last", dtype="float32", name="pool")
    expected = EXPECTED[name](x)
    np.testing.assert_allclose(to_numpy(layer(x)), expected, **TOLERANCE)
    assert layer.name == "pool"
    assert layer.compute_output_shape(x.shape) == expected.shape
    assert layer(keras.Input((*size, 3))).shape == (None, *expected.shape[1:])
    assert layer(keras.Input((None, None, 3))).shape == (None, None, None, 3)
    assert not layer.weights


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_strides_of_the_blur(strides):
    x = images(2, 7, 5, 3)
    layer = BlurPooling2D(strides)
    np.testing.assert_allclose(to_numpy(layer(x)), blur(x, strides), **TOLERANCE)
    assert layer.compute_output_shape(x.shape) == blur(x, strides).shape


@needs_channels_first
@pytest.mark.parametrize("name", EXPECTED)
def test_channels_first(name):
    x = images(2, 7, 6, 3)
    layer = STEM_POOLINGS[name](data_format="channels_first", name="pool")
    expected = to_channels_first(EXPECTED[name](x))
    np.testing.assert_allclose(to_numpy(layer(to_channels_first(x))), expected, **TOLERANCE)
    assert layer.compute_output_shape((2, 3, 7, 6)) == expected.shape


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_precision(name, policy):
    x = images(2, 7, 6, 3)
    layer = STEM_POOLINGS[name](dtype=policy)
    output = layer(x)
    assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype
    np.testing.assert_allclose(to_numpy(output), EXPECTED[name](x), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    "layer",
    [
        SymmetricMaxPooling2D(zero_padded=True, strides=1),
        TileAveragePooling2D(3, dtype="bfloat16"),
        BlurPooling2D(3, data_format="channels_first", name="mine"),
        MaxBlurPooling2D(3, name="mine"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_config_round_trip(layer):
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    revived = keras.saving.deserialize_keras_object(serialized)
    assert type(revived) is type(layer)
    assert revived.get_config() == layer.get_config()


def test_config_of_max_pooling_is_that_of_existing_models():
    config = SymmetricMaxPooling2D().get_config()
    assert not {"strides", "zero_padded"} & config.keys()


@pytest.mark.parametrize(
    ("cls", "name", "value", "rule"),
    [
        (BlurPooling2D, "strides", 0, "must be a positive integer"),
        (BlurPooling2D, "data_format", "nhwc", "must be one of 'channels_last'"),
        (SymmetricMaxPooling2D, "strides", (2, 2), "must be a positive integer"),
        (SymmetricMaxPooling2D, "zero_padded", None, "must be one of False, True"),
    ],
)
def test_invalid_arguments_are_refused(cls, name, value, rule):
    with pytest.raises(ValueError, match=f"`{name}` {rule}"):
        cls(**{name: value})
