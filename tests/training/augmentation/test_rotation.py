"""Rotation is that of Keras' `ImageDataGenerator`, which uses SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data.augmentation import image_augmentation
from keras_resblocks_plugin.training.data.augmentation._rotation import rotate_by
from tests.training.augmentation.distributions import assert_same_distribution


def by_scipy(image, degrees):
    """As `ImageDataGenerator` with `fill_mode="nearest"` and `interpolation_order=1`."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    center = (np.array(image.shape[:2]) - 1) / 2
    return np.stack(
        [
            ndimage.affine_transform(
                channel, matrix, center - matrix @ center, order=1, mode="nearest"
            )
            for channel in np.moveaxis(image, -1, 0)
        ],
        axis=-1,
    )


@pytest.mark.parametrize("degrees", [-15, 0, 7.3, 90])
def test_pixels_are_those_of_keras(degrees):
    image = np.random.default_rng(0).uniform(0, 255, (20, 31, 3)).astype("float32")
    np.testing.assert_allclose(rotate_by(image, degrees), by_scipy(image, degrees), atol=1e-3)
    rounded = rotate_by(image.astype("uint8"), degrees)
    assert rounded.dtype == "uint8"
    expected = by_scipy(image.astype("uint8").astype("float32"), degrees)
    assert np.abs(rounded - expected).max() <= 0.501


def test_angles_are_uniform():
    # The first channel falls to the right, so that its rows say by how much they are turned.
    image = np.zeros((33, 33, 3), "float32")
    image[..., 0] = 4 * np.arange(33)
    augment = image_augmentation(Augmentation(flip=False, translation=0.0, rotation=15.0), 33)
    rng = np.random.default_rng(0)
    pixels = np.stack([augment(image, rng, 0.0)[..., 0] for _ in range(1000)])
    # Over eight pixels down and across, in the middle, where no edge is seen.
    down, across = pixels[:, 20, 16] - pixels[:, 12, 16], pixels[:, 16, 20] - pixels[:, 16, 12]
    angles = np.rad2deg(np.arctan2(down, across))
    assert np.abs(angles).max() < 15.01
    assert_same_distribution(angles, rng.uniform(-15, 15, 1000))
