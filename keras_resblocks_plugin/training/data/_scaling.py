"""Scaling of resized images as a preset's converter does it."""

import keras
import numpy as np


class Scaling:
    """Scales pixels by the `scale` and `offset` of a layer, in NumPy.

    Threads call it while the model trains, where the layer would compute on the model's device.

    Args:
        layer: A `krp.ResBlockImageConverter`, or another layer with a `scale` and an `offset`.
    """

    def __init__(self, layer: keras.Layer):
        self._scale, self._offset = (
            None if value is None else np.asarray(value, "float32")
            for value in (layer.scale, layer.offset)
        )

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Scales images of shape `(count, height, width, 3)`; returns float32."""
        scaled = pixels.astype("float32")
        if self._scale is not None:
            scaled *= self._scale
        if self._offset is not None:
            scaled += self._offset
        return scaled
