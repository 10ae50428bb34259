"""Random changes of training images. A stand-in until the full set of them is merged."""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_resblocks_plugin.training._recipe import Augmentation


def image_augmentation(
    augmentation: Augmentation, image_size: int
) -> Callable[[np.ndarray, np.random.Generator, float], np.ndarray]:
    """Returns the function that changes one image."""

    def augment(pixels, rng, progress):
        height, width = pixels.shape[:2]
        if augmentation.flip and rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        if augmentation.translation:
            reach = (
                round(augmentation.translation * height),
                round(augmentation.translation * width),
            )
            y, x = (int(rng.integers(-most, most + 1)) for most in reach)
            padded = np.pad(pixels, [(reach[0],) * 2, (reach[1],) * 2, (0, 0)], "symmetric")
            pixels = padded[reach[0] + y :, reach[1] + x :][:height, :width]
        return np.ascontiguousarray(pixels)

    return augment


@dataclasses.dataclass(frozen=True)
class MixingPlan:
    """Which images of a batch are mixed, and how."""

    partners: np.ndarray
    boxes: np.ndarray
    shares: np.ndarray
    is_cut: bool

    def __getitem__(self, positions) -> "MixingPlan":
        return MixingPlan(
            self.partners[positions], self.boxes[positions], self.shares[positions], self.is_cut
        )


def mixing_plan(batch_size, augmentation, rng):
    """Draws the partners, boxes and shares of a batch; `None` mixes nothing."""
    if not augmentation.mixup_alpha:
        return None
    shares = rng.beta(augmentation.mixup_alpha, augmentation.mixup_alpha, batch_size)
    return MixingPlan(
        rng.permutation(batch_size), np.zeros((batch_size, 4)), shares.astype("float32"), False
    )


def apply_mix(images, labels, partner_images, partner_labels, plan):
    """Mixes images and one-hot labels with those of their partners."""
    share = plan.shares[:, None, None, None]
    images = images * share + partner_images * (1 - share)
    share = plan.shares[:, None]
    return images, labels * share + partner_labels * (1 - share)
