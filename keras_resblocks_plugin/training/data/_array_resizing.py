"""Resizing of single images as a preset's converter does it, in NumPy.

Keras' operations take milliseconds to start, and JAX compiles them for each size of images.
"""

import math
from collections.abc import Callable

import keras
import numpy as np

from keras_resblocks_plugin.models._resize_then_crop import ResizeThenCrop, crop_start


def _triangle(distance: np.ndarray) -> np.ndarray:
    return np.maximum(1 - distance, 0)


def _keys_cubic(distance: np.ndarray) -> np.ndarray:
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))


# The kernel and its radius by interpolation and antialiasing, where all backends have the same.
_KERNELS = {
    ("bilinear", False): (_triangle, 1),
    ("bilinear", True): (_triangle, 1),
    ("bicubic", True): (_keys_cubic, 2),
}


def array_resizing(converter: keras.Layer) -> Callable[[np.ndarray], np.ndarray] | None:
    """Returns the resizing of a converter as a function of arrays.

    Args:
        converter: A `krp.ResBlockImageConverter`.

    Returns:
        A function from an image of shape `(height, width, channels)` to its resized float32
        pixels, or `None` if the converter's interpolation depends on the backend.
    """
    layer = converter.resizing
    known = (layer.interpolation, layer.antialias) in _KERNELS
    if not known or converter.data_format != "channels_last":
        return None

    def resize(image: np.ndarray) -> np.ndarray:
        if converter.image_size is None:
            return image.astype("float32")
        if isinstance(layer, ResizeThenCrop):
            return _resize_then_crop(image, layer)
        image = _with_aspect_ratio(image, layer)
        image = _resize_axis(_resize_axis(image, 0, layer.height, layer), 1, layer.width, layer)
        for axis, side in enumerate(converter.image_size):
            image = _crop_axis(image, axis, side)
        return image

    return resize


def _resize_then_crop(image: np.ndarray, layer: ResizeThenCrop) -> np.ndarray:
    sides = layer.resized(*image.shape[:2])
    for axis in (1, 0):
        image = _resize_axis(image, axis, sides[axis], layer)
        if layer.interpolation == "bicubic":
            image = image.clip(0, 255)
        image = _crop_axis(image, axis, layer.crop_size[axis])
    return image


def _with_aspect_ratio(image: np.ndarray, layer: keras.layers.Resizing) -> np.ndarray:
    """Crops or pads an image to the aspect ratio that it is resized to, as `Resizing` does."""
    height, width = image.shape[:2]
    sides = int(width * layer.height / layer.width), int(height * layer.width / layer.height)
    if layer.crop_to_aspect_ratio:
        rows, columns = (
            slice(start := (old - (new := max(min(old, side), 1))) // 2, start + new)
            for old, side in zip((height, width), sides, strict=True)
        )
        return image[rows, columns]
    if layer.pad_to_aspect_ratio:
        starts = (
            (max(side, old) - old) // 2 for old, side in zip((height, width), sides, strict=True)
        )
        padding = [*((start, start) for start in starts), (0, 0)]
        return np.pad(image, padding, constant_values=layer.fill_value)
    return image


def _crop_axis(image: np.ndarray, axis: int, side: int) -> np.ndarray:
    start = crop_start(image.shape[axis], side)
    return image[start : start + side] if axis == 0 else image[:, start : start + side]


def _resize_axis(
    image: np.ndarray, axis: int, side: int, layer: keras.layers.Resizing
) -> np.ndarray:
    old = image.shape[axis]
    if side == old:
        return image.astype("float32", copy=False)
    kernel, radius = _KERNELS[layer.interpolation, layer.antialias]
    scale = old / side
    stretch = max(scale, 1) if layer.antialias else 1
    centers = (np.arange(side) + 0.5) * scale - 0.5
    first = np.floor(centers - radius * stretch).astype("int64") + 1
    pixels = first + np.arange(math.ceil(2 * radius * stretch))[:, None]
    weights = kernel(np.abs(pixels - centers) / stretch)
    weights[(pixels < 0) | (pixels >= old)] = 0
    weights = (weights / weights.sum(0)).astype("float32")
    weights = weights[:, :, None, None] if axis == 0 else weights[:, None, :, None]
    total = 0
    for rows, weight in zip(pixels.clip(0, old - 1), weights, strict=True):
        total += np.take(image, rows, axis) * weight
    return total
