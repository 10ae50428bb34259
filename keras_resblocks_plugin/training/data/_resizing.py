"""Resizing of decoded images, before they are stored in the cache."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data._array_resizing import array_resizing

Resize = Callable[[np.ndarray], np.ndarray]
# A uint8 array of shape `(height, width, 3)`, or an RGB image of Pillow.
Picture = np.ndarray | Image.Image


def size_of(picture: Picture) -> tuple[int, int]:
    """Returns the height and the width."""
    return picture.shape[:2] if isinstance(picture, np.ndarray) else picture.size[::-1]


def crop(picture: Picture, top: int, left: int, height: int, width: int) -> Image.Image:
    """Returns a rectangle of a picture."""
    if isinstance(picture, np.ndarray):
        return Image.fromarray(picture[top : top + height, left : left + width])
    return picture.crop((left, top, left + width, top + height))


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

    def __call__(self, picture: Picture) -> np.ndarray:
        """Resizes a picture."""
        height, width = size_of(picture)
        side = min(height, width)
        left, top = (width - side) // 2, (height - side) // 2
        box = (left, top, left + side, top + side)
        image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
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
