"""Reading of images and masks: every Pillow mode as a viewer shows it, or an error.

- The orientation that a camera recorded (EXIF) is applied.
- Transparent images are put on white.
- Grayscale of 16 bits is scaled to 8 bits; nothing is clipped and nothing wraps.
- Only the first frame of a file is read.
- Numbers of no known range (32-bit integers and floats) are an error.
"""

import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

# The background of transparent images.
BACKGROUND = (255, 255, 255)
# The errors that Pillow's plugins raise for damaged files.
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError),
    *(OverflowError, struct.error, zlib.error, Image.DecompressionBombError),
)
# Formats whose 16-bit grayscale Pillow opens as 32-bit integers.
_SIXTEEN_BITS = ("PNG", "PPM")


class UnreadableImage(ValueError):
    """An image that cannot be read, or whose values have no known range."""


def read_image(source: Any) -> np.ndarray:
    """Reads an image.

    Args:
        source: A path, bytes, a dict with `bytes` or `path` (as `datasets.Image(decode=False)`
            gives it), or a Pillow image.

    Returns:
        A uint8 array of shape `(height, width, 3)`, RGB.

    Raises:
        UnreadableImage: If it is not an image, is damaged, or has values of no known range.
    """
    return np.array(open_image(source))


def open_image(source: Any) -> Image.Image:
    """Reads an image as an RGB image of Pillow, see `read_image`."""
    image = _open(source)
    if image.mode == "RGB" and not image.has_transparency_data:
        # Without a copy.
        return image
    if image.mode.startswith("I"):
        return Image.fromarray(np.repeat(_eight_bits(image)[..., None], 3, axis=-1))
    if image.mode == "F":
        raise UnreadableImage(
            "an image of floats (mode F) has no known range. Convert it to 8 or 16 bits first"
        )
    if image.mode == "LAB":
        profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, (*BACKGROUND, 255))
        image = Image.alpha_composite(background, image)
    return image.convert("RGB")


def read_mask(source: Any) -> np.ndarray:
    """Reads a mask of class ids: the numbers of a one-channel image, and a palette's indices.

    Args:
        source: As of `read_image`.

    Returns:
        An integer array of shape `(height, width)`.

    Raises:
        UnreadableImage: If it is damaged.
        ValueError: If it has several channels or fractions. The error names the values.
    """
    image = _open(source)
    values = np.array(image)
    if values.ndim == 3:
        colours = np.unique(values.reshape(-1, values.shape[-1]), axis=0)
        raise ValueError(
            f"one channel of class ids, not {values.shape[-1]} (mode {image.mode}): save it with a "
            f"palette, or as numbers. Received: {_some(map(tuple, colours.tolist()))}"
        )
    if values.dtype.kind == "f" and not (values == np.rint(values)).all():
        raise ValueError(f"whole numbers. Received: {_some(np.unique(values).tolist())}")
    return values.astype("int64")


def _open(source: Any) -> Image.Image:
    """Loads an image, and applies the orientation that its camera recorded."""
    if isinstance(source, Mapping):
        source = source.get("bytes") or source.get("path")
    if source is None:
        raise UnreadableImage("there is no image")
    try:
        if isinstance(source, Image.Image):
            image, form = ImageOps.exif_transpose(source), source.format
        else:
            is_path = isinstance(source, str | Path)
            image = Image.open(source if is_path else io.BytesIO(source))
            form = image.format
            # Loads the pixels, and copies none of an upright image.
            ImageOps.exif_transpose(image, in_place=True)
    except _DAMAGED as error:
        # Pillow appends the address of the object in memory.
        reason = str(error).split(" <_io")[0] or type(error).__name__
        raise UnreadableImage(f"it cannot be read: {reason}") from None
    image.format = form
    return image


def _eight_bits(image: Image.Image) -> np.ndarray:
    """Scales 16-bit grayscale to 8 bits."""
    if image.mode == "I" and image.format not in _SIXTEEN_BITS:
        low, high = image.getextrema()
        raise UnreadableImage(
            f"an image of 32-bit integers (mode I) has no known range; its numbers are {low} to "
            f"{high}. Convert it to 8 or 16 bits first"
        )
    values = np.array(image).astype("int64")
    return ((values * 255 + 32767) // 65535).astype("uint8")


def _some(values) -> str:
    values = list(values)
    return ", ".join(map(str, values[:10])) + (f", … ({len(values)} values)" if values[10:] else "")
