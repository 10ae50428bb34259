"""Helpers for the tests of layers, blocks and models."""

import keras
import numpy as np
import pytest
from keras import ops

# For float32 sums in another order, of values of order 1.
TOLERANCE = dict(rtol=1e-5, atol=1e-5)

needs_channels_first = pytest.mark.skipif(
    keras.config.backend() == "tensorflow",
    reason="TensorFlow has no channels_first convolution on the CPU; JAX and PyTorch have it.",
)


def images(*shape: int) -> np.ndarray:
    """Random numbers that are equal on every backend and in every run."""
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def to_channels_first(x: np.ndarray) -> np.ndarray:
    return np.transpose(x, (0, 3, 1, 2))


def to_numpy(x) -> np.ndarray:
    return ops.convert_to_numpy(ops.cast(x, "float32"))


def fill(layer: keras.Layer) -> keras.Layer:
    """Assigns random values to all weights of a built layer, unlike their initial values."""
    rng = np.random.default_rng(2)
    for weight in layer.weights:
        shape = tuple(weight.shape)
        if weight.name in ("gamma", "moving_variance"):
            value = rng.uniform(0.5, 1.5, shape)
        elif weight.name == "kernel":
            value = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
        else:
            value = rng.normal(size=shape) / 4
        weight.assign(value.astype("float32"))
    return layer


def values(layer: keras.Layer) -> dict[str, np.ndarray]:
    """Copies of all weights, by path."""
    return {weight.path: np.array(to_numpy(weight)) for weight in layer.weights}


def assert_same_values(left: keras.Layer, right: keras.Layer) -> None:
    """Two layers have equal weights at the same paths."""
    left, right = values(left), values(right)
    assert left.keys() == right.keys()
    for path in left:
        np.testing.assert_array_equal(left[path], right[path], err_msg=path)


def assert_changed(before: dict, after: dict, paths) -> None:
    """Each of the weights at `paths` has changed."""
    assert [path for path in paths if np.array_equal(before[path], after[path])] == []
