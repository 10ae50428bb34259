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
        self._scale = np.asarray(1 if layer.scale is None else layer.scale, "float32")
        self._offset = np.asarray(0 if layer.offset is None else layer.offset, "float32")

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Scales images of shape `(count, height, width, 3)`; returns float32."""
        scaled = np.empty(pixels.shape, "float32")
        # Along a whole row of pixels, since NumPy is slow along three channels, and image by image,
        # which the processor's cache holds.
        scale, offset = (
            np.ascontiguousarray(np.broadcast_to(value, pixels.shape[2:]))
            for value in (self._scale, self._offset)
        )
        for image, out in zip(pixels, scaled, strict=True):
            np.multiply(image, scale, out=out)
            out += offset
        return scaled
