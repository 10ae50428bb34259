"""The Keras layers that augment training images."""

import keras

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._recipe import Augmentation


@_distribution.alone()  # The seeds of these layers belong to this process.
def image_layers(augmentation: Augmentation, seed: int) -> list[keras.Layer]:
    """Returns the layers that change each image by itself, in the order of their use."""
    layers = []
    if augmentation.flip:
        layers.append(keras.layers.RandomFlip("horizontal", seed=seed))
    if augmentation.translation:
        layers.append(
            keras.layers.RandomTranslation(
                augmentation.translation,
                augmentation.translation,
                fill_mode="reflect",
                # By whole pixels: interpolation blurs, and the validation images are sharp.
                interpolation="nearest",
                seed=seed,
            )
        )
    if augmentation.zoom:
        zoom = (-augmentation.zoom, augmentation.zoom)
        layers.append(keras.layers.RandomZoom(zoom, fill_mode="reflect", seed=seed))
    return layers


@_distribution.alone()
def mixing_layers(augmentation: Augmentation, seed: int) -> list[tuple[keras.Layer, float]]:
    """Returns the layers that mix the images and labels of a batch, with their probabilities."""
    layers = []
    if augmentation.mixup_alpha:
        layers.append((keras.layers.MixUp(augmentation.mixup_alpha, seed=seed), 1.0))
    if augmentation.cutmix_probability:
        layers.append((keras.layers.CutMix(seed=seed), augmentation.cutmix_probability))
    return layers
