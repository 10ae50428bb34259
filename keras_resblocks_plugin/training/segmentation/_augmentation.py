"""Changes of images and their masks: random crops, and padding."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data.augmentation._window import sample_window
from keras_resblocks_plugin.training.segmentation._classes import Classes

# The range of the random scale.
SCALES = (0.75, 1.5)


def random_crops(
    classes: Classes,
    image_size: tuple[int, int],
    size: tuple[int, int],
    scales: tuple[float, float] = SCALES,
) -> Callable:
    """Returns a function that scales, mirrors and crops an image and its mask at random.

    Args:
        classes: The classes of the masks.
        image_size: The height and width of the images.
        size: The height and width of the crops. Smaller images are padded with black, and
            their masks with the ignored class.
        scales: The smallest and largest scale.

    Returns:
        A function of an image, its mask and its `np.random.Generator`.
    """
    lookup = classes.lookup

    def augment(image, mask, rng):
        scaled = np.rint(rng.uniform(*scales) * np.array(image_size))
        step = image_size / scaled
        # The crop lies inside of the scaled image. Where that is smaller, both start at its edge.
        room = np.maximum(scaled - size, 0).astype(int)
        start = rng.integers(room + 1) * step
        window = start, step, size, rng.random() < 0.5
        mask = sample_window(lookup[mask], *window, classes.ignored, Image.Resampling.NEAREST)
        return sample_window(image, *window), mask.astype("int32")

    return augment


def padding(classes: Classes, size: tuple[int, int]) -> Callable:
    """Returns a function that pads images and their masks below and on the right.

    Args:
        classes: The classes of the masks. Padding has the ignored class.
        size: The height and width to pad to.
    """

    def pad(images, masks):
        edges = [(0, 0), *((0, to - now) for to, now in zip(size, masks.shape[1:], strict=True))]
        masks = np.pad(classes.lookup[masks], edges, constant_values=classes.ignored)
        return np.pad(images, [*edges, (0, 0)]), masks.astype("int32")

    return pad
