"""The function that changes an image as a recipe asks."""

import pickle
import random

import numpy as np
import pytest

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data._resizing import Square
from keras_resblocks_plugin.training.data.augmentation import image_augmentation
from tests.training.augmentation.pictures import smooth_picture

UNCHANGED = Augmentation(flip=False, translation=0.0)
EVERYTHING = Augmentation(
    translation=0.1,
    zoom=0.2,
    crop_probability=0.9,
    crop_interpolation="random",
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
