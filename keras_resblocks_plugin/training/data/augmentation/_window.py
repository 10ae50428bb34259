"""Windows of an image, for images whose masks or boxes change with them."""

from collections.abc import Sequence

import numpy as np
from PIL import Image


def sample_window(
    pixels: np.ndarray,
    start: Sequence[float],
    step: Sequence[float],
    size: tuple[int, int],
    mirrored: bool,
    fill: int = 0,
    resampling: Image.Resampling = Image.Resampling.BILINEAR,
) -> np.ndarray:
    """Samples a window of an image at even steps, without antialiasing.

    Coordinates are measured in pixels from the top left edge of the image.

    Args:
        pixels: A uint8 image of shape `(height, width, 3)` or `(height, width)`.
        start: The top and left edge of the window.
        step: The height and width of the part of the image that becomes one pixel.
        size: The height and width of the result.
        mirrored: Whether to mirror the window left to right.
        fill: The value outside of the image.
        resampling: `BILINEAR` or `NEAREST`.

    Returns:
        A uint8 array of shape `(*size, 3)` or `size`.
    """
    (top, left), (down, right) = start, step
    if mirrored:
        left, right = left + right * size[1], -right
    window = Image.fromarray(pixels).transform(
        size[::-1],
        Image.Transform.AFFINE,
        (right, 0, left, 0, down, top),
        resampling,
        fillcolor=fill,
    )
    return np.asarray(window)
