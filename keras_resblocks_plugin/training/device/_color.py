"""Color jitter on the device, with the arithmetic of Pillow's operations."""

import jax
import jax.numpy as jnp

from keras_resblocks_plugin.training._augmentation import Augmentation
from keras_resblocks_plugin.training.device._geometry import between


def color_jitter(image: jax.Array, draws: jax.Array, augmentation: Augmentation) -> jax.Array:
    """Changes brightness, contrast, saturation and hue, in a random order."""
    changes = [
        _change(name, getattr(augmentation, name))
        for name in CHANGES
        if getattr(augmentation, name)
    ]
    order = jnp.argsort(draws[: len(changes)])
    for place in range(len(changes)):
        image = jax.lax.switch(order[place], changes, image, draws[len(CHANGES) + place])
    return image


def _change(name, largest):
    low, high = (-largest, largest) if name == "hue" else (max(0, 1 - largest), 1 + largest)

    def change(image, draw):
        return CHANGES[name](image, between(low, high, draw))

    return change


def change_brightness(image: jax.Array, factor: jax.Array) -> jax.Array:
    """Blends an image with black."""
    return _blend(jnp.zeros_like(image), image, factor)


def change_contrast(image: jax.Array, factor: jax.Array) -> jax.Array:
    """Blends an image with its mean gray."""
    return _blend(jnp.floor(_gray(image).mean() + 0.5), image, factor)


def change_saturation(image: jax.Array, factor: jax.Array) -> jax.Array:
    """Blends an image with its gray version."""
    return _blend(_gray(image), image, factor)


def shift_hue(image: jax.Array, share: jax.Array) -> jax.Array:
    """Turns the color circle by a share of a turn."""
    highest, lowest = image.max(-1), image.min(-1)
    spread = highest - lowest
    divisor = jnp.where(spread == 0, 1, spread)
    red, green, blue = jnp.moveaxis((highest[..., None] - image) / divisor[..., None], -1, 0)
    hue = jnp.where(
        image[..., 0] == highest,
        blue - green,
        jnp.where(image[..., 1] == highest, 2 + red - blue, 4 + green - red),
    )
    hue = jnp.where(spread == 0, 0, jnp.floor((hue / 6 + 1) % 1 * 255))
    saturation = jnp.floor(spread / jnp.maximum(highest, 1) * 255)
    turned = (hue + jnp.trunc(255 * share)) % 256
    return _to_rgb(turned, saturation, highest)


def _to_rgb(hue: jax.Array, saturation: jax.Array, value: jax.Array) -> jax.Array:
    """Converts levels from 0 to 255, as Pillow does it."""
    sector = jnp.floor(hue * 6 / 255)
    part, saturation = hue * 6 / 255 - sector, saturation / 255
    p, q, t = (jnp.round(value * (1 - saturation * x)) for x in (1.0, part, 1 - part))
    index = sector.astype("int32") % 6
    channels = (
        (value, q, p, p, t, value),
        (t, value, value, q, p, p),
        (p, p, t, value, value, q),
    )
    return jnp.stack([jnp.choose(index, list(x), mode="clip") for x in channels], -1)


def _gray(image: jax.Array) -> jax.Array:
    """Pillow's mode `L`, of shape `(height, width, 1)`."""
    # In integers: the sums have more digits than float32.
    weights = jnp.array([19595, 38470, 7471], "int32")
    sums = (image.astype("int32") * weights).sum(-1, keepdims=True)
    return ((sums + 0x8000) >> 16).astype(image.dtype)


def _blend(other: jax.Array, image: jax.Array, share: jax.Array) -> jax.Array:
    return jnp.floor(jnp.clip(other + share * (image - other), 0, 255))


CHANGES = {
    "brightness": change_brightness,
    "contrast": change_contrast,
    "saturation": change_saturation,
    "hue": shift_hue,
}
# One draw of each for the order, and one for the strength.
COLOR_DRAWS = 2 * len(CHANGES)
