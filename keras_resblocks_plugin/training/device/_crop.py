"""Random resized crops and random erasing on the device, as `data.augmentation` does them."""

import math

import jax
import jax.numpy as jnp

from keras_resblocks_plugin.training._augmentation import Augmentation, Pair
from keras_resblocks_plugin.training.data.augmentation._operations import MEAN_COLOR
from keras_resblocks_plugin.training.device._geometry import between

# How often a rectangle is drawn until one fits.
_TRIES = 10
# The draws of a rectangle and its place, and those of each change.
_BOX_DRAWS = 2 * _TRIES + 2
CROP_DRAWS = ERASING_DRAWS = _BOX_DRAWS + 1


def random_resized_crop(
    image: jax.Array, draws: jax.Array, augmentation: Augmentation
) -> jax.Array:
    """Crops a random rectangle and resizes it to the size of the image."""
    height, width = image.shape[:2]
    scale, ratio = augmentation.crop_scale, augmentation.crop_ratio
    top, left, rows, columns = crop_box(height, width, scale, ratio, draws)
    name = augmentation.crop_interpolation
    cubic = draws[_BOX_DRAWS] < 0.5 if name == "random" else name == "bicubic"
    return resized_crop(image, top, left, rows, columns, cubic)


def resized_crop(
    image: jax.Array,
    top: jax.Array,
    left: jax.Array,
    rows: jax.Array,
    columns: jax.Array,
    cubic: jax.Array | bool,
) -> jax.Array:
    """Resizes a part of an image to the size of the whole, as Pillow does it."""
    height, width = image.shape[:2]
    # Accelerators would otherwise multiply with fewer digits than 256 levels need.
    multiply = {"precision": jax.lax.Precision.HIGHEST}
    weights = _weights(left, columns, width, cubic)
    image = _levels(jnp.einsum("jk,ikc->ijc", weights, image, **multiply))
    weights = _weights(top, rows, height, cubic)
    return _levels(jnp.einsum("ij,jkc->ikc", weights, image, **multiply))


def _weights(start: jax.Array, length: jax.Array, size: int, cubic: jax.Array | bool) -> jax.Array:
    """Returns each pixel's weight in each resized pixel, of shape `(size, size)`.

    A crop is never larger than the result, so there is no antialiasing.
    """
    pixels = jnp.arange(size)
    centers = start + (pixels + 0.5) * length / size - 0.5
    distance = jnp.abs(centers[:, None] - pixels)
    weights = jnp.where(cubic, _cubic(distance), jnp.maximum(1 - distance, 0))
    inside = (pixels >= start) & (pixels < start + length)
    weights = jnp.where(inside, weights, 0)
    return weights / weights.sum(axis=1, keepdims=True)


def _cubic(x: jax.Array) -> jax.Array:
    """The bicubic kernel of Pillow, with `a = -0.5`."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return jnp.where(x < 1, near, jnp.where(x < 2, far, 0))


def _levels(image: jax.Array) -> jax.Array:
    # Pillow rounds halves up.
    return jnp.clip(jnp.floor(image + 0.5), 0, 255)


def crop_box(
    height: int, width: int, scale: Pair, ratio: Pair, draws: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Draws top, left, height and width of a crop, as torchvision and timm do.

    After ten rectangles that do not fit, it is the largest centered crop within `ratio`.
    """
    rows, columns = _rectangles(height * width, scale, ratio, draws)
    fits = (rows > 0) & (rows <= height) & (columns > 0) & (columns <= width)
    found, first = fits.any(), jnp.argmax(fits)
    rows = jnp.where(found, rows[first], min(height, round(width / ratio[0])))
    columns = jnp.where(found, columns[first], min(width, round(height * ratio[1])))
    free = jnp.stack([height - rows, width - columns])
    top, left = jnp.where(found, _places(free, draws), free // 2)
    return top, left, rows, columns


def erase(image: jax.Array, draws: jax.Array, augmentation: Augmentation) -> jax.Array:
    """Fills a random rectangle with one color, unless ten of them are larger than the image."""
    height, width = image.shape[:2]
    scale, ratio = augmentation.erasing_scale, augmentation.erasing_ratio
    rows, columns = _rectangles(height * width, scale, ratio, draws)
    fits = (rows < height) & (columns < width)
    first = jnp.argmax(fits)
    rows, columns = rows[first], columns[first]
    free = jnp.maximum(jnp.stack([height - rows, width - columns]), 0)
    top, left = _places(free, draws)
    applies = fits.any() & (draws[_BOX_DRAWS] < augmentation.erasing_probability)
    y, x = jnp.arange(height)[:, None, None], jnp.arange(width)[:, None]
    inside = (y >= top) & (y < top + rows) & (x >= left) & (x < left + columns)
    return jnp.where(applies & inside, jnp.array(MEAN_COLOR, image.dtype), image)


def _rectangles(
    area: float, scale: Pair, ratio: Pair, draws: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Draws heights and widths by the share of an area and by width / height."""
    areas = area * between(*scale, draws[:_TRIES])
    ratios = jnp.exp(between(*map(math.log, ratio), draws[_TRIES : 2 * _TRIES]))
    rows, columns = jnp.sqrt(areas / ratios), jnp.sqrt(areas * ratios)
    return jnp.round(rows).astype("int32"), jnp.round(columns).astype("int32")


def _places(free: jax.Array, draws: jax.Array) -> jax.Array:
    """Draws the top and left of a rectangle from the free pixels."""
    drawn = draws[2 * _TRIES : _BOX_DRAWS] * (free + 1)
    # A product of floats may round up.
    return jnp.minimum(jnp.floor(drawn).astype("int32"), free)
