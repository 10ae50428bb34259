"""MixUp and CutMix of a batch."""

import dataclasses

import numpy as np

from keras_resblocks_plugin.training._augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class MixingPlan:
    """The mixing of a global batch of images.

    A pixel of an image becomes its partner's where it is in the image's box, and elsewhere
    `weight * own + (1 - weight) * partner's`. MixUp has empty boxes, CutMix weights of 1.

    Args:
        partners: int array of shape `(batch,)`. The partner of each image, in the batch.
        weights: float32 array of shape `(batch,)`. The weight of the image's own pixels.
        boxes: float32 array of shape `(batch, 4)`. Top, left, bottom and right of the partner's
            box, as shares of the sides.
        shares: float32 array of shape `(batch,)`. The share of the image's own label.
    """

    partners: np.ndarray
    weights: np.ndarray
    boxes: np.ndarray
    shares: np.ndarray

    @property
    def mixes(self) -> bool:
        """`True` if the plan changes any image; otherwise, no partner is needed."""
        return bool((self.shares != 1).any())


def mixing_plan(
    batch_size: int, augmentation: Augmentation, rng: np.random.Generator
) -> MixingPlan:
    """Draws how a batch is mixed.

    Args:
        batch_size: int. The size of the global batch. Each process draws the plan of all images,
            and applies it to its own.
        augmentation: `Augmentation`. The strength of MixUp and CutMix.
        rng: `np.random.Generator`. The batch's own, with the same seed in every process.

    Returns:
        A `MixingPlan`.
    """
    weights, boxes = np.ones(batch_size, "float32"), np.zeros((batch_size, 4), "float32")
    cuts = rng.random() < augmentation.cutmix_probability
    if not cuts and not augmentation.mixup_alpha:
        return MixingPlan(np.arange(batch_size), weights, boxes, weights)
    partners = rng.permutation(batch_size)
    # One draw for each image, or one for all.
    draws = batch_size if augmentation.mixup_mode == "elem" else 1
    if cuts:
        boxes[:] = _boxes(draws, augmentation, rng)
    else:
        weights[:] = rng.beta(augmentation.mixup_alpha, augmentation.mixup_alpha, draws)
    top, left, bottom, right = boxes.T
    return MixingPlan(partners, weights, boxes, weights * (1 - (bottom - top) * (right - left)))


def _boxes(count: int, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Draws CutMix's boxes as shares of the sides."""
    # Keras adds the same, because Beta needs a positive parameter.
    alpha = augmentation.cutmix_alpha or rng.random() + 1e-6
    side = np.sqrt(1 - rng.beta(alpha, alpha, count))[:, None]
    place = rng.random((count, 2))
    if augmentation.mixup_mode == "elem":
        start = place * (1 - side)
        return np.concatenate([start, start + side], axis=1)
    return np.concatenate([place - side / 2, place + side / 2], axis=1).clip(0, 1)


def apply_mix(
    images: np.ndarray,
    labels: np.ndarray,
    partner_images: np.ndarray,
    partner_labels: np.ndarray,
    plan: MixingPlan,
    rows: np.ndarray | slice,
) -> tuple[np.ndarray, np.ndarray]:
    """Mixes images and labels with those of their partners.

    Args:
        images: uint8 or float32 array of shape `(count, height, width, channels)`.
        labels: array of shape `(count, classes)`. One-hot or soft labels.
        partner_images: array like `images`. The images `plan.partners[rows]` of the global batch.
        partner_labels: array like `labels`. Their labels.
        plan: `MixingPlan`. The plan of the global batch.
        rows: int array or slice. The places of `images` in the global batch.

    Returns:
        The mixed images and labels, in float32.
    """
    height, width = images.shape[1:3]
    # A pixel is in the box if its index is, as in Keras.
    corners = np.ceil(plan.boxes[rows] * np.float32([height, width, height, width])).astype(int)
    mixed = np.empty(images.shape, "float32")
    # Image by image, which the processor's cache holds.
    for image, partner, weight, (top, left, bottom, right), out in zip(
        images, partner_images, plan.weights[rows], corners, mixed, strict=True
    ):
        np.multiply(image, weight, out=out)
        if weight != 1:
            out += (1 - weight) * partner
        out[top:bottom, left:right] = partner[top:bottom, left:right]
    shares = plan.shares[rows, None]
    return mixed, shares * labels.astype("float32") + (1 - shares) * partner_labels


def mix(
    images: np.ndarray, labels: np.ndarray, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mixes a whole batch of images and labels.

    Args:
        images: uint8 or float32 array of shape `(batch, height, width, channels)`.
        labels: array of shape `(batch, classes)`. One-hot or soft labels.
        augmentation: `Augmentation`. The strength of MixUp and CutMix.
        rng: `np.random.Generator`. The batch's own.

    Returns:
        The mixed images and labels, in float32.
    """
    plan = mixing_plan(len(images), augmentation, rng)
    partners = plan.partners
    return apply_mix(images, labels, images[partners], labels[partners], plan, slice(None))
