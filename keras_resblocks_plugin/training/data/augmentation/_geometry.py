"""Mirroring, shift and zoom.

The distributions are those of Keras' `RandomFlip("horizontal")`, `RandomTranslation` (to the
nearest pixel) and `RandomZoom` (bilinear) with `fill_mode="reflect"` in `tf.data`, with which
presets were trained.
"""

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data._resizing import Picture


def flip(picture: Picture, rng: np.random.Generator) -> Picture:
    """Mirrors every second picture, left to right."""
    if rng.random() >= 0.5:
        return picture
    if isinstance(picture, Image.Image):
        # Several times faster than NumPy.
        return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture[:, ::-1]


def shift(image: np.ndarray, rng: np.random.Generator, largest: float) -> np.ndarray:
    """Shifts an image by whole pixels, up to a share of its sides.

    Interpolation would blur, and the validation images are sharp.
    """
    for axis in (0, 1):
        size = image.shape[axis]
        pixels = round(rng.uniform(-largest, largest) * size)
        image = image.take(_reflect(np.arange(size) - pixels, size), axis)
    return image


def zoom(image: np.ndarray, rng: np.random.Generator, largest: float) -> np.ndarray:
    """Scales an image about its center by one factor, in or out by up to `largest`."""
    return zoom_by(image, rng.uniform(1 - largest, 1 + largest))


def zoom_by(image: np.ndarray, factor: float) -> np.ndarray:
    """Zooms out (`factor > 1`) or in, bilinear, without antialiasing."""
    pixels = image.astype("float32")
    for axis in (0, 1):
        size = image.shape[axis]
        positions = (np.arange(size) - (size - 1) / 2) * factor + (size - 1) / 2
        before = np.floor(positions).astype(int)
        share = (positions - before).astype("float32").reshape((-1, 1, 1) if axis == 0 else (-1, 1))
        first = pixels.take(_reflect(before, size), axis)
        pixels = first + share * (pixels.take(_reflect(before + 1, size), axis) - first)
    return pixels if image.dtype.kind == "f" else np.rint(pixels).astype(image.dtype)


def _reflect(indices: np.ndarray, size: int) -> np.ndarray:
    """Returns the pixels to use beyond an edge: `(d c b a | a b c d | d c b a)`."""
    indices = indices % (2 * size)
    return np.minimum(indices, 2 * size - 1 - indices)
