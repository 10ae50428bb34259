"""All changes of one image, in their order."""

import functools
from collections.abc import Callable

import numpy as np

from keras_resblocks_plugin.training._augmentation import Augmentation
from keras_resblocks_plugin.training.data._resizing import Picture, Square, size_of
from keras_resblocks_plugin.training.data.augmentation._color_jitter import color_jitter
from keras_resblocks_plugin.training.data.augmentation._crop import random_resized_crop
from keras_resblocks_plugin.training.data.augmentation._erasing import erase
from keras_resblocks_plugin.training.data.augmentation._geometry import flip, shift, zoom
from keras_resblocks_plugin.training.data.augmentation._policies import (
    rand_augment,
    trivial_augment,
)
from keras_resblocks_plugin.training.data.augmentation._rotation import rotate

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def image_augmentation(
    augmentation: Augmentation, image_size: int | tuple[int, int]
) -> Callable[[Picture, np.random.Generator, float], np.ndarray]:
    """Returns the function that changes one image as a recipe asks.

    Args:
        augmentation: `Augmentation`. The changes.
        image_size: int or pair of ints. The side of the resulting images, in pixels, or their
            height and width, where the images have that size already.

    Returns:
        A function of a uint8 image of shape `(height, width, 3)` or an RGB image of Pillow, the
        image's own `np.random.Generator`, and the progress of the run from 0 to 1. It returns a
        uint8 image of `image_size`, and can be pickled. Mirroring, shift and zoom also take float
        images.
    """
    size = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    return functools.partial(_augment, augmentation, size, _changes(augmentation))


def _augment(
    augmentation: Augmentation,
    size: tuple[int, int],
    changes: tuple[Change, ...],
    picture: Picture,
    rng: np.random.Generator,
    progress: float,
) -> np.ndarray:
    crops = augmentation.crop_probability and progress <= augmentation.crop_until
    if crops and rng.random() < augmentation.crop_probability:
        picture = random_resized_crop(picture, rng, augmentation, size)
    elif size_of(picture) != size:
        picture = Square(size[0])(picture)
    if augmentation.flip:
        picture = flip(picture, rng)
    image = np.asarray(picture)
    for change in changes:
        image = change(image, rng)
    return np.ascontiguousarray(image)


def _changes(augmentation: Augmentation) -> tuple[Change, ...]:
    """Returns the changes of an array that are switched on, in their order."""
    x, partial = augmentation, functools.partial
    changes: list[tuple[bool | float, Change]] = [
        (x.rotation, partial(rotate, largest=x.rotation)),
        (x.translation, partial(shift, largest=x.translation)),
        (x.zoom, partial(zoom, largest=x.zoom)),
        (
            x.brightness or x.contrast or x.saturation or x.hue,
            partial(color_jitter, augmentation=x),
        ),
        (
            x.rand_augment,
            partial(
                rand_augment,
                count=x.rand_augment,
                magnitude=x.rand_augment_magnitude,
                std=x.rand_augment_std,
            ),
        ),
        (x.trivial_augment, trivial_augment),
        (x.erasing_probability, partial(erase, augmentation=x)),
    ]
    return tuple(change for is_on, change in changes if is_on)
