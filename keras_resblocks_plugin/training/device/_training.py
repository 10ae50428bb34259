"""A classifier and its images, made ready to train on the device."""

import keras

from keras_resblocks_plugin.training._recipe import Recipe
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.device._arrays import DeviceCalls
from keras_resblocks_plugin.training.device._augmentation import DeviceAugmentation
from keras_resblocks_plugin.training.device._train_step import DeviceTraining


def new_device_training(
    classifier: keras.Model,
    images: ImageSet,
    recipe: Recipe,
    converter: keras.Layer,
    seed: int,
    steps_per_epoch: int,
) -> tuple[DeviceTraining, DeviceCalls]:
    """Returns the model to compile and fit, and what `fit` reads; images go to the device.

    Args:
        classifier: The classifier, without its preprocessor.
        images: The decoded training images.
        recipe: The recipe.
        converter: A layer with the `scale` and `offset` of the augmented images.
        seed: The seed of order and augmentation.
        steps_per_epoch: Steps an epoch.
    """
    augmentation = recipe.augmentation
    repeats = augmentation.repeated_augmentation
    calls = DeviceCalls(images, recipe.step_size, repeats, seed, steps_per_epoch)
    augment = DeviceAugmentation(
        augmentation,
        converter,
        len(images.class_names),
        seed,
        steps_per_epoch * recipe.schedule.epochs,
    )
    return DeviceTraining(classifier, augment, calls.steps_per_call), calls
