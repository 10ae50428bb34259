"""Mirroring, shift and zoom of an image on the device, as `data.augmentation` changes it.

Images are float32 arrays of whole numbers from 0 to 255, of shape `(height, width, 3)`. Each change
takes draws from the uniform distribution over `[0, 1)`, which are made for a whole batch at once.
"""

import jax
import jax.numpy as jnp


def between(low: float, high: float, draws: jax.Array) -> jax.Array:
    """Returns uniform draws between two numbers."""
    return low + (high - low) * draws


def flip(image: jax.Array, draws: jax.Array) -> jax.Array:
    """Mirrors every second image, left to right."""
    return jnp.where(draws[0] < 0.5, image[:, ::-1], image)


def shift(image: jax.Array, draws: jax.Array, largest: float) -> jax.Array:
    """Shifts an image by whole pixels, up to a share of its sides."""
    shares = between(-largest, largest, draws)
    for axis in (0, 1):
        size = image.shape[axis]
        pixels = jnp.round(shares[axis] * size).astype("int32")
        image = jnp.take(image, _reflect(jnp.arange(size) - pixels, size), axis)
    return image


def zoom(image: jax.Array, draws: jax.Array, largest: float) -> jax.Array:
    """Scales an image about its center by one factor, in or out by up to `largest`."""
    return zoom_by(image, between(1 - largest, 1 + largest, draws[0]))


def zoom_by(image: jax.Array, factor: jax.Array) -> jax.Array:
    """Zooms out (`factor > 1`) or in, bilinear, without antialiasing."""
    for axis in (0, 1):
        size = image.shape[axis]
        positions = (jnp.arange(size) - (size - 1) / 2) * factor + (size - 1) / 2
        before = jnp.floor(positions).astype("int32")
        share = (positions - before).reshape((-1, 1, 1) if axis == 0 else (-1, 1))
        first = jnp.take(image, _reflect(before, size), axis)
        image = first + share * (jnp.take(image, _reflect(before + 1, size), axis) - first)
    return jnp.round(image)


def _reflect(indices: jax.Array, size: int) -> jax.Array:
    """Returns the pixels to use beyond an edge: `(d c b a | a b c d | d c b a)`."""
    indices = indices % (2 * size)
    return jnp.minimum(indices, 2 * size - 1 - indices)
