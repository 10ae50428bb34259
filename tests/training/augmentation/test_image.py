"""The function that changes an image as a recipe asks."""

import dataclasses
import pickle
import random

import numpy as np
import pytest

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.data.augmentation import image_augmentation
from keras_resblocks_plugin.training.data.augmentation._operations import MEAN_COLOR
from tests.training.augmentation.pictures import smooth_picture

UNCHANGED = Augmentation(flip=False, translation=0.0)
EVERYTHING = Augmentation(
    translation=0.1,
    zoom=0.2,
    crop_probability=0.9,
    crop_interpolation="random",
    brightness=0.4,
    contrast=0.4,
    saturation=0.4,
    hue=0.1,
    rand_augment=2,
    trivial_augment=True,
    erasing_probability=0.5,
)
PICTURE = smooth_picture(90, 120)


def test_an_image_depends_on_its_generator_alone():
    augment = image_augmentation(EVERYTHING, 48)
    first = [augment(PICTURE, np.random.default_rng(seed), 0.5) for seed in range(20)]
    assert len({image.tobytes() for image in first}) == 20
    np.random.seed(3)
    random.seed(3)
    state, python_state = np.random.get_state()[1].tobytes(), random.getstate()
    # A worker gets a copy of the function.
    augment = pickle.loads(pickle.dumps(augment))
    for seed in reversed(range(20)):
        image = augment(PICTURE, np.random.default_rng(seed), 0.5)
        np.testing.assert_array_equal(image, first[seed])
    assert np.random.get_state()[1].tobytes() == state
    assert random.getstate() == python_state


@pytest.mark.parametrize("shape", [(48, 48), (48, 90), (200, 31), (5, 7), (1, 1)])
def test_images_of_any_size_become_squares(shape):
    picture = smooth_picture(*shape)
    original = picture.copy()
    # Arrays that `datasets` and memory-mapped files give cannot be written.
    picture.flags.writeable = False
    augment = image_augmentation(EVERYTHING, 48)
    for seed in range(10):
        image = augment(picture, np.random.default_rng(seed), 0.0)
        assert (image.shape, image.dtype) == ((48, 48, 3), np.uint8)
        assert image.flags.c_contiguous
    np.testing.assert_array_equal(picture, original)


def test_without_augmentation_an_image_is_the_centered_square():
    augment = image_augmentation(UNCHANGED, 48)
    image = augment(PICTURE, np.random.default_rng(0), 0.0)
    np.testing.assert_array_equal(image, Square(48)(PICTURE))
    np.testing.assert_array_equal(augment(image, np.random.default_rng(0), 0.0), image)


def test_images_that_a_preset_resized_are_shifted_as_they_are():
    floats = smooth_picture(40, 56).astype("float32") + 0.25
    augmentation = Augmentation(translation=0.2, zoom=0.1)
    image = image_augmentation(augmentation, (40, 56))(floats, np.random.default_rng(0), 0.0)
    assert (image.shape, image.dtype) == ((40, 56, 3), np.float32)
    assert (image % 1 != 0).any()
    whole = image_augmentation(augmentation, (40, 56))(
        floats.astype("uint8"), np.random.default_rng(0), 0.0
    )
    # Uint8 differs by what `floats` has more, and by rounding.
    np.testing.assert_allclose(image - 0.25, whole, atol=0.501)


def test_the_changes_come_in_the_documented_order():
    # All of its pixels become the color that is erased last.
    keys = {"hue": 0.5, "trivial_augment": True, "rand_augment": 3, "erasing_probability": 1.0}
    erased = Augmentation(**keys, erasing_scale=(0.9, 0.9), erasing_ratio=(1.0, 1.0))
    augment = image_augmentation(erased, 48)
    for seed in range(10):
        image = augment(PICTURE, np.random.default_rng(seed), 0.0)
        assert (image == MEAN_COLOR).all(-1).mean() > 0.85


@pytest.mark.parametrize("key", ["brightness", "contrast", "saturation", "hue", "rand_augment"])
def test_each_key_alone_changes_images(key):
    value = 3 if key == "rand_augment" else 0.5
    augment = image_augmentation(dataclasses.replace(UNCHANGED, **{key: value}), 48)
    images = {augment(PICTURE, np.random.default_rng(seed), 0.0).tobytes() for seed in range(10)}
    assert len(images) > 7
