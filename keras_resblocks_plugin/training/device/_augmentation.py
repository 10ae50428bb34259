"""All random changes of a batch on the device, in the order of `data.augmentation`."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_resblocks_plugin.training._augmentation import Augmentation
from keras_resblocks_plugin.training.device._color import COLOR_DRAWS, color_jitter
from keras_resblocks_plugin.training.device._crop import (
    CROP_DRAWS,
    ERASING_DRAWS,
    erase,
    random_resized_crop,
)
from keras_resblocks_plugin.training.device._geometry import flip, shift, zoom
from keras_resblocks_plugin.training.device._mixing import mix

Change = Callable[[jax.Array, jax.Array], jax.Array]


class DeviceAugmentation:
    """Augments, mixes and scales the batch of a step, inside a compiled function.

    Every draw depends on the seed and the step alone.

    Args:
        augmentation: The random changes.
        converter: A layer with the `scale` and `offset` of the augmented images.
        classes: The number of classes.
        seed: The seed of the run.
        steps: The number of steps of the whole run, on which an augmentation may depend.
    """

    def __init__(
        self,
        augmentation: Augmentation,
        converter: keras.Layer,
        classes: int,
        seed: int,
        steps: int,
    ):
        self._augmentation, self._classes, self._steps = augmentation, classes, steps
        # JAX takes seeds of 32 bits.
        self._seed = seed % 2**32
        self._scaling = [
            neutral if value is None else jnp.asarray(value, "float32")
            for neutral, value in ((1.0, converter.scale), (0.0, converter.offset))
        ]
        self._changes = _changes(augmentation)

    def __call__(
        self, step: jax.Array, images: jax.Array, labels: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the float32 images and labels to train on.

        Args:
            step: The index of the step in the run.
            images: uint8 array of shape `(batch, height, width, 3)`.
            labels: int array of shape `(batch,)`.
        """
        key = jax.random.fold_in(jax.random.key(self._seed), step)
        key, mixing_key = jax.random.split(key)
        counts = [1, CROP_DRAWS, *(count for count, _ in self._changes)]
        # All at once: keys of each image and change would take longer to compile and to run.
        draws = jax.random.uniform(key, (len(images), sum(counts)))
        parts = jnp.split(draws, np.cumsum(counts[:-1]), axis=1)
        augment = functools.partial(self._augment, progress=jnp.minimum(1, step / self._steps))
        x = jax.vmap(augment)(images.astype("float32"), parts)
        y = jax.nn.one_hot(labels, self._classes)
        x, y = mix(x, y, mixing_key, self._augmentation)
        scale, offset = self._scaling
        return x * scale + offset, y

    def _augment(self, image: jax.Array, draws: list[jax.Array], progress: jax.Array) -> jax.Array:
        share, box, *draws = draws
        settings = self._augmentation
        if settings.crop_probability:
            crops = (share[0] < settings.crop_probability) & (progress <= settings.crop_until)
            image = jnp.where(crops, random_resized_crop(image, box, settings), image)
        for (_, change), own in zip(self._changes, draws, strict=True):
            image = change(image, own)
        return image


def _changes(augmentation: Augmentation) -> tuple[tuple[int, Change], ...]:
    """Returns the changes that are switched on, in their order, with the draws that each takes."""
    x, partial = augmentation, functools.partial
    changes: list[tuple[bool | float, int, Change]] = [
        (x.flip, 1, flip),
        (x.translation, 2, partial(shift, largest=x.translation)),
        (x.zoom, 1, partial(zoom, largest=x.zoom)),
        (
            x.brightness or x.contrast or x.saturation or x.hue,
            COLOR_DRAWS,
            partial(color_jitter, augmentation=x),
        ),
        (x.erasing_probability, ERASING_DRAWS, partial(erase, augmentation=x)),
    ]
    return tuple((count, change) for is_on, count, change in changes if is_on)
