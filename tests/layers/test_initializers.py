"""Kernels are initialized as in Glorot and Bengio, 2010."""

import math

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.layers import HostGlorotUniform

# The last has more values than one draw, and their number is no multiple of four.
SHAPES = [(1, 1, 1, 3), (3, 3, 16, 32), (3, 3, 201, 331)]


def draw(shape, seed=7, dtype="float32"):
    return keras.ops.convert_to_numpy(HostGlorotUniform(seed)(shape, dtype))


@pytest.mark.parametrize("shape", SHAPES)
def test_values_fill_the_interval_evenly(shape):
    values = draw(shape)
    limit = math.sqrt(6 / (9 * (shape[2] + shape[3]))) if shape[0] == 3 else math.sqrt(6 / 4)
    assert values.shape == shape
    assert np.abs(values).max() <= limit
    if values.size > 1000:
        counts, _ = np.histogram(values, bins=10, range=(-limit, limit))
        # Four standard deviations of the count in a tenth of the interval.
        np.testing.assert_allclose(
            counts, values.size / 10, atol=4 * math.sqrt(values.size * 0.1 * 0.9)
        )
        # Neighbours are drawn four at a time and must not depend on each other.
        flat = values.reshape(-1) / limit
        for lag in (1, 2, 3, 4):
            correlation = np.mean(flat[lag:] * flat[:-lag]) * 3
            assert abs(correlation) < 4 / math.sqrt(flat.size)


def test_equal_seeds_give_equal_values():
    np.testing.assert_array_equal(draw(SHAPES[2]), draw(SHAPES[2]))
    assert (draw(SHAPES[2]) != draw(SHAPES[2], seed=8)).mean() > 0.99


def test_the_default_seed_follows_set_random_seed():
    kernels = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        kernels.append(keras.ops.convert_to_numpy(HostGlorotUniform()((3, 3, 4, 8))))
    np.testing.assert_array_equal(*kernels)
    other = keras.ops.convert_to_numpy(HostGlorotUniform()((3, 3, 4, 8)))
    assert (other != kernels[0]).any()


def test_round_trip():
    config = keras.saving.serialize_keras_object(HostGlorotUniform(5))
    restored = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(restored((3, 3, 2, 2))), draw((3, 3, 2, 2), seed=5)
    )


def test_half_precision_is_the_same_draw_rounded():
    half = keras.ops.cast(HostGlorotUniform(7)((3, 3, 4, 8), "bfloat16"), "float32")
    # bfloat16 keeps 8 significant bits.
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(half), draw((3, 3, 4, 8)), rtol=2**-8, atol=0
    )
