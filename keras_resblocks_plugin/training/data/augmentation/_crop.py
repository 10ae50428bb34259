"""Random resized crops."""

import math

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training._augmentation import Augmentation, Pair
from keras_resblocks_plugin.training.data._resizing import Picture, crop, size_of

INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}
# Pillow first averages whole blocks of pixels where the crop is over four times the result. At this
# gap, the result differs by less than two levels on average from a resize in one pass.
_REDUCING_GAP = 2.0


def random_resized_crop(
    picture: Picture, rng: np.random.Generator, augmentation: Augmentation, size: tuple[int, int]
) -> Image.Image:
    """Crops a random rectangle and resizes it, antialiased, to a height and width."""
    box = crop_box(*size_of(picture), augmentation.crop_scale, augmentation.crop_ratio, rng)
    interpolation = draw_interpolation(augmentation.crop_interpolation, rng)
    return crop(picture, *box).resize(size[::-1], interpolation, reducing_gap=_REDUCING_GAP)


def draw_interpolation(name: str, rng: np.random.Generator) -> Image.Resampling:
    """Returns Pillow's constant; `"random"` draws one of the names in `INTERPOLATIONS`."""
    if name == "random":
        return list(INTERPOLATIONS.values())[rng.integers(len(INTERPOLATIONS))]
    return INTERPOLATIONS[name]


def crop_box(
    height: int, width: int, scale: Pair, ratio: Pair, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Draws top, left, height and width of a crop, as torchvision and timm do.

    After ten rectangles that do not fit, it is the largest centered crop within `ratio`.
    """
    for _ in range(10):
        rows, columns = draw_rectangle(height * width, scale, ratio, rng)
        if 0 < columns <= width and 0 < rows <= height:
            top = int(rng.integers(height - rows + 1))
            return top, int(rng.integers(width - columns + 1)), rows, columns
    rows = min(height, round(width / ratio[0]))
    columns = min(width, round(height * ratio[1]))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


def draw_rectangle(
    area: float, scale: Pair, ratio: Pair, rng: np.random.Generator
) -> tuple[int, int]:
    """Draws the height and width of a rectangle by its share of an area and by width / height."""
    area *= rng.uniform(*scale)
    aspect_ratio = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
    return round(math.sqrt(area / aspect_ratio)), round(math.sqrt(area * aspect_ratio))
