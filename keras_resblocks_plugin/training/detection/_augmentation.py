"""Changes of an image and its boxes: random windows, mirrored."""

from collections.abc import Callable

import numpy as np

from keras_resblocks_plugin.training.data.augmentation._window import sample_window
from keras_resblocks_plugin.training.detection._data import NONE

# The range of the side of a random window, as a share of the image's.
SCALES = (0.7, 1.3)
# An object that the window cuts off counts if this share of its box remains.
_LEAST_VISIBLE = 0.3


def random_windows(side: int, scales: tuple[float, float] = SCALES) -> Callable:
    """Returns a function that takes a random window of an image, mirrored at random.

    The window is resized to the size of the image. Outside of the image it is black.

    Args:
        side: The side of the images in pixels.
        scales: The smallest and largest side of the window, as a share of the image's.

    Returns:
        A function of an image, its boxes, their labels and the image's `np.random.Generator`.
    """

    def augment(image, boxes, labels, rng):
        scale = rng.uniform(*scales)
        # A smaller window lies inside of the image, a larger one around it.
        room = (1 - scale) * side
        left, top = rng.uniform(min(room, 0), max(room, 0), 2)
        mirrored = rng.random() < 0.5
        image = sample_window(image, (top, left), (scale, scale), (side, side), mirrored)
        boxes = (boxes - np.array([left, top, left, top])) / scale
        visible = boxes.clip(0, side)
        share = _area(visible) / np.maximum(_area(boxes), 1e-6)
        counts = (labels >= 0) & (share >= _LEAST_VISIBLE)
        if mirrored:
            visible[:, [0, 2]] = side - visible[:, [2, 0]]
        return image, _objects(
            np.where(counts[:, None], visible, NONE), np.where(counts, labels, NONE)
        )

    return augment


def unchanged(images: np.ndarray, boxes: np.ndarray, labels: np.ndarray):
    """Returns images as they are, with their boxes."""
    return images, _objects(boxes, labels)


def _objects(boxes: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    return {"boxes": boxes.astype("float32"), "labels": labels.astype("float32")}


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
