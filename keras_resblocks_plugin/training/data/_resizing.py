"""Size of the images that a network learns from, or is measured on, and how they come to it."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from PIL import Image

Resize = Callable[[np.ndarray], np.ndarray]


class Square:
    """The largest centred square, resized in Pillow: what recipes train on.

    Args:
        size: The side in pixels.
    """

    def __init__(self, size: int):
        self.size = size
        self.settings: dict[str, Any] = {"square": size}

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """From uint8 pixels of any size to uint8 ones."""
        height, width = pixels.shape[:2]
        side = min(height, width)
        left, top = (width - side) // 2, (height - side) // 2
        box = (left, top, left + side, top + side)
        image = Image.fromarray(pixels)
        size = (self.size, self.size)
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box))


class Converted:
    """What a preset's converter makes of each raw image, before it scales the numbers.

    `normalizer(converter)` does the rest, so that both together are what `predict()` does.

    Args:
        converter: The preset's `krp.ResBlockImageConverter`.
    """

    def __init__(self, converter: keras.Layer):
        config = {**converter.get_config(), "scale": None, "offset": None}
        self._resize = type(converter).from_config(config)
        self.settings: dict[str, Any] = {
            "converter": {name: value for name, value in config.items() if name != "name"}
        }

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """From uint8 pixels of any size to float32 ones, from 0 to 255."""
        # Not under `keras.device("cpu")`: among several processes that may be another's on JAX.
        return keras.ops.convert_to_numpy(self._resize(pixels.astype("float32")))


def normalizer(converter: keras.Layer) -> keras.Layer:
    """The converter without its resizing: for images that `Converted` has resized."""
    return type(converter).from_config({**converter.get_config(), "image_size": None})
