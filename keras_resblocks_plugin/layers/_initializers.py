"""The initial values of convolutions, which are cheap since loading a preset replaces them."""

import math
import random

import keras
import numpy as np

from keras_resblocks_plugin._utils._memory import empty_array, to_tensor
from keras_resblocks_plugin._utils._registration import PACKAGE

# The number of values that fits a processor's cache.
_CHUNK = 1 << 18


@keras.saving.register_keras_serializable(PACKAGE)
class HostGlorotUniform(keras.initializers.Initializer):
    """Keras' default `GlorotUniform`, drawn by NumPy instead of the backend.

    `from_preset()` creates random values first and then replaces them. Drawn by the
    backend, they take a third of its time, and on JAX a compilation for every shape. The
    values lie on a grid of 65,536 steps between the limits.

    Args:
        seed: int or `None`. Defaults to a new seed for every instance, drawn from Python's
            generator, which `keras.utils.set_random_seed()` seeds.
    """

    def __init__(self, seed: int | None = None):
        self._configured_seed = seed
        self.seed = random.getrandbits(63) if seed is None else seed

    def __call__(self, shape, dtype=None):
        *window, inputs, outputs = shape
        limit = math.sqrt(6 / (math.prod(window) * (inputs + outputs)))
        values = empty_array(tuple(shape), "float32")
        flat = values.reshape(-1)
        # NumPy's fastest generator. Each number that it draws gives four values.
        bits = np.random.SFC64(self.seed)
        for start in range(0, flat.size, _CHUNK):
            chunk = flat[start : start + _CHUNK]
            steps = bits.random_raw(-(-chunk.size // 4)).view("int16")[: chunk.size]
            np.multiply(steps, np.float32(limit / 2**15), out=chunk)
        return keras.ops.cast(to_tensor(values), dtype or keras.config.floatx())

    def get_config(self):
        return {"seed": self._configured_seed}
