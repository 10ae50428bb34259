"""Random erasing, as torchvision's `RandomErasing`."""

import numpy as np

from keras_resblocks_plugin.training._augmentation import Augmentation
from keras_resblocks_plugin.training.data.augmentation._crop import draw_rectangle
from keras_resblocks_plugin.training.data.augmentation._operations import MEAN_COLOR


def erase(image: np.ndarray, rng: np.random.Generator, augmentation: Augmentation) -> np.ndarray:
    """Fills a random rectangle with one color, unless ten of them are larger than the image."""
    if rng.random() >= augmentation.erasing_probability:
        return image
    height, width = image.shape[:2]
    scale, ratio = augmentation.erasing_scale, augmentation.erasing_ratio
    for _ in range(10):
        rows, columns = draw_rectangle(height * width, scale, ratio, rng)
        if rows < height and columns < width:
            top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
            image = image.copy()
            image[top : top + rows, left : left + columns] = MEAN_COLOR
            break
    return image
