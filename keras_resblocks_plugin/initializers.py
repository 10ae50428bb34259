"""The initial values of convolutions, cheap enough to be thrown away by a loader."""

import math
import random

import keras
import numpy as np

from keras_resblocks_plugin._pages import empty_array, to_tensor
from keras_resblocks_plugin._registration import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class HostGlorotUniform(keras.initializers.Initializer):
    """Keras' default `GlorotUniform`, drawn by NumPy instead of the backend.

    Every `from_preset()` creates random values first and replaces them. Drawn by the
    backend they take a third of that time, and on JAX a compilation for every shape.

    Args:
        seed: int or `None`. By default every instance has a seed of its own, from Python's
            generator, which `keras.utils.set_random_seed()` sets.
    """

    def __init__(self, seed: int | None = None):
        self._configured_seed = seed
        self.seed = random.getrandbits(63) if seed is None else seed

    def __call__(self, shape, dtype=None):
        *window, inputs, outputs = shape
        limit = math.sqrt(6 / (math.prod(window) * (inputs + outputs)))
        # SFC64 is NumPy's fastest generator.
        generator = np.random.Generator(np.random.SFC64(self.seed))
        values = generator.random(dtype="float32", out=empty_array(tuple(shape), "float32"))
        values *= 2 * limit
        values -= limit
        return keras.ops.cast(to_tensor(values), dtype or keras.config.floatx())

    def get_config(self):
        return {"seed": self._configured_seed}
