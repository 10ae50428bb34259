"""MixUp and CutMix of a batch on the device, as `data.augmentation` mixes it."""

import jax
import jax.numpy as jnp

from keras_resblocks_plugin.training._augmentation import Augmentation


def mix(
    images: jax.Array, labels: jax.Array, key: jax.Array, augmentation: Augmentation
) -> tuple[jax.Array, jax.Array]:
    """Mixes images and one-hot labels of a batch with those of random partners.

    Args:
        images: float32 array of shape `(batch, height, width, channels)`.
        labels: float32 array of shape `(batch, classes)`.
        key: The batch's own random key.
        augmentation: The strength of MixUp and CutMix.
    """
    if not augmentation.mixup_alpha and not augmentation.cutmix_probability:
        return images, labels
    batch, height, width = images.shape[:3]
    cut_key, partner_key, weight_key, box_key = jax.random.split(key, 4)
    cuts = jax.random.bernoulli(cut_key, augmentation.cutmix_probability)
    partners = jax.random.permutation(partner_key, batch)
    # One draw for each image, or one for all.
    draws = batch if augmentation.mixup_mode == "elem" else 1
    weights, boxes = jnp.ones(draws), jnp.zeros((draws, 4))
    if augmentation.mixup_alpha:
        alpha = augmentation.mixup_alpha
        weights = jnp.where(cuts, 1, jax.random.beta(weight_key, alpha, alpha, (draws,)))
    if augmentation.cutmix_probability:
        boxes = jnp.where(cuts, _boxes(draws, augmentation, box_key), 0)
    inside = _inside(boxes, height, width)
    own = jnp.where(inside, 0, weights[:, None, None, None])
    top, left, bottom, right = boxes.T
    shares = (weights * (1 - (bottom - top) * (right - left)))[:, None]
    return (
        own * images + (1 - own) * images[partners],
        shares * labels + (1 - shares) * labels[partners],
    )


def _boxes(count: int, augmentation: Augmentation, key: jax.Array) -> jax.Array:
    """Draws CutMix's boxes as shares of the sides: top, left, bottom and right."""
    alpha_key, side_key, place_key = jax.random.split(key, 3)
    # Keras adds the same, because Beta needs a positive parameter.
    alpha = augmentation.cutmix_alpha or jax.random.uniform(alpha_key) + 1e-6
    side = jnp.sqrt(1 - jax.random.beta(side_key, alpha, alpha, (count,)))[:, None]
    place = jax.random.uniform(place_key, (count, 2))
    if augmentation.mixup_mode == "elem":
        start = place * (1 - side)
        return jnp.concatenate([start, start + side], axis=1)
    return jnp.concatenate([place - side / 2, place + side / 2], axis=1).clip(0, 1)


def _inside(boxes: jax.Array, height: int, width: int) -> jax.Array:
    """Returns which pixels lie in a box, of shape `(count, height, width, 1)`."""
    # A pixel is in the box if its index is, as in Keras.
    corners = jnp.ceil(boxes * jnp.array([height, width, height, width]))
    top, left, bottom, right = jnp.moveaxis(corners[:, :, None, None, None], 1, 0)
    y, x = jnp.arange(height)[:, None, None], jnp.arange(width)[:, None]
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)
