"""All random changes of a batch on the device, in the order of `data.augmentation`."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import keras

from keras_resblocks_plugin.training._augmentation import Augmentation
from keras_resblocks_plugin.training.device._color import color_jitter
from keras_resblocks_plugin.training.device._crop import erase, random_resized_crop
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
        keys = jax.random.split(key, len(images))
        augment = functools.partial(self._augment, progress=jnp.minimum(1, step / self._steps))
        x = jax.vmap(augment)(images.astype("float32"), keys)
        y = jax.nn.one_hot(labels, self._classes)
        x, y = mix(x, y, mixing_key, self._augmentation)
        scale, offset = self._scaling
        return x * scale + offset, y

    def _augment(self, image: jax.Array, key: jax.Array, progress: jax.Array) -> jax.Array:
        crop_key, share_key, *keys = jax.random.split(key, 2 + len(self._changes))
        settings = self._augmentation
        if settings.crop_probability:
            crops = jax.random.bernoulli(share_key, settings.crop_probability)
            crops &= progress <= settings.crop_until
            image = jnp.where(crops, random_resized_crop(image, crop_key, settings), image)
        for change, own in zip(self._changes, keys, strict=True):
            image = change(image, own)
        return image


def _changes(augmentation: Augmentation) -> tuple[Change, ...]:
    """Returns the changes that are switched on, in their order."""
    x, partial = augmentation, functools.partial
    changes: list[tuple[bool | float, Change]] = [
        (x.flip, flip),
        (x.translation, partial(shift, largest=x.translation)),
        (x.zoom, partial(zoom, largest=x.zoom)),
        (
            x.brightness or x.contrast or x.saturation or x.hue,
            partial(color_jitter, augmentation=x),
        ),
        (x.erasing_probability, partial(erase, augmentation=x)),
    ]
    return tuple(change for is_on, change in changes if is_on)
