"""Rotation, as by Keras' `ImageDataGenerator(rotation_range=…)`: bilinear, with repeated edges."""

import numpy as np


def rotate(image: np.ndarray, rng: np.random.Generator, largest: float) -> np.ndarray:
    """Rotates an image about its center, by up to a number of degrees either way."""
    return rotate_by(image, rng.uniform(-largest, largest))


def rotate_by(image: np.ndarray, degrees: float) -> np.ndarray:
    """Rotates an image counterclockwise, bilinear."""
    sides = image.shape[:2]
    center_y, center_x = ((side - 1) / 2 for side in sides)
    y, x = np.ogrid[: sides[0], : sides[1]]
    y, x = y - center_y, x - center_x
    sine, cosine = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    positions = cosine * y - sine * x + center_y, sine * y + cosine * x + center_x
    (top, down), (left, right) = (
        _clamped(position, side) for position, side in zip(positions, sides, strict=True)
    )
    pixels = image.astype("float32")
    upper, lower = (
        pixels[row, left] + right * (pixels[row, _next(left, sides[1])] - pixels[row, left])
        for row in (top, _next(top, sides[0]))
    )
    pixels = upper + down * (lower - upper)
    return pixels if image.dtype.kind == "f" else np.rint(pixels).astype(image.dtype)


def _clamped(positions: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pixel before each position, and the share of the next one."""
    positions = positions.clip(0, side - 1)
    before = np.floor(positions).astype(int)
    return before, (positions - before).astype("float32")[..., None]


def _next(pixels: np.ndarray, side: int) -> np.ndarray:
    return np.minimum(pixels + 1, side - 1)
