"""Resizing of decoded images, before they are stored in the cache."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data._array_resizing import array_resizing

Resize = Callable[[np.ndarray], np.ndarray]


class Square:
    """Resizes the largest centered square with Pillow: the images that recipes train on.

    Args:
        size: The side in pixels.
    """

    def __init__(self, size: int):
        self.size = size
        self.settings: dict[str, Any] = {"square": size}
        # The bytes of each image.
        self.nbytes: int | None = size * size * 3

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Resizes uint8 pixels."""
        height, width = pixels.shape[:2]
        side = min(height, width)
        left, top = (width - side) // 2, (height - side) // 2
        box = (left, top, left + side, top + side)
        image = Image.fromarray(pixels)
        size = (self.size, self.size)
        return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box))


class Converted:
    """Resizes raw images as a preset's converter does, without scaling their values.

    Followed by `normalizer(converter)`, it does what `predict()` does.

    Args:
        converter: The preset's `krp.ResBlockImageConverter`.
    """

    def __init__(self, converter: keras.Layer):
        config = {**converter.get_config(), "scale": None, "offset": None}
        self._resize = type(converter).from_config(config)
        self.settings: dict[str, Any] = {
            "converter": {name: value for name, value in config.items() if name != "name"}
        }
        self._resize_array = array_resizing(self._resize)
        # The bytes of each image, unless images keep their sizes.
        size = converter.image_size
        self.nbytes: int | None = None if size is None else size[0] * size[1] * 3 * 4

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Resizes uint8 pixels; returns float32 pixels from 0 to 255."""
        if self._resize_array:
            return self._resize_array(pixels)
        # Not under `keras.device("cpu")`, which on JAX may be a device of another process.
        return keras.ops.convert_to_numpy(self._resize(pixels.astype("float32")))


def normalizer(converter: keras.Layer) -> keras.Layer:
    """Returns the converter without its resizing, for images that `Converted` has resized."""
    return type(converter).from_config({**converter.get_config(), "image_size": None})
