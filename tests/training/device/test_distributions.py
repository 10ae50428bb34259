"""The device's random changes have the distributions of the other inputs'."""

import jax
import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data.augmentation import image_augmentation, mix
from keras_resblocks_plugin.training.device._augmentation import DeviceAugmentation
from tests.training.augmentation.distributions import assert_same_distribution
from tests.training.augmentation.pictures import smooth_picture

SIZE, COUNT = 16, 1500
PICTURE = smooth_picture(SIZE, SIZE)
UNSCALED = keras.layers.Rescaling(1.0)
OFF = {"flip": False, "translation": 0.0}
CROP = {"crop_probability": 0.7, "crop_scale": (0.2, 0.9), "crop_interpolation": "random"}


def on_device(keys, classes=1, steps=1):
    """The compiled changes of a batch, by step, images and labels."""
    augmentation = Augmentation(**{**OFF, **keys})
    return jax.jit(DeviceAugmentation(augmentation, UNSCALED, classes, 1, steps))


def versions(keys):
    """Many versions of a picture by the device and by the host."""
    own, _ = on_device(keys)(0, np.repeat(PICTURE[None], COUNT, 0), np.zeros(COUNT, "int32"))
    augment, rng = (
        image_augmentation(Augmentation(**{**OFF, **keys}), SIZE),
        np.random.default_rng(1),
    )
    return np.asarray(own), np.stack([augment(PICTURE, rng, 0.0) for _ in range(COUNT)]).astype(
        "float32"
    )


@pytest.mark.parametrize(
    "keys",
    [
        {"flip": True},
        {"translation": 0.2},
        {"zoom": 0.3},
        CROP,
        {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1},
        {"erasing_probability": 0.6},
        {"flip": True, "translation": 0.1, "zoom": 0.2, **CROP, "erasing_probability": 0.3},
    ],
    ids=lambda keys: "-".join(keys)[:30],
)
def test_images(keys):
    own, others = versions(keys)
    assert own.shape == others.shape
    for channel in range(3):
        assert_same_distribution(own[..., channel].mean((1, 2)), others[..., channel].mean((1, 2)))
        for y, x in ((0, 0), (5, 12), (8, 8)):
            # Levels may be rounded in another way: ties would count as differences.
            noise = np.random.default_rng(0).uniform(-1.5, 1.5, (2, COUNT))
            pixels = [images[:, y, x, channel] for images in (own, others)]
            assert_same_distribution(pixels[0] + noise[0], pixels[1] + noise[1])
    spread = others.std(0)
    np.testing.assert_allclose(own.mean(0), others.mean(0), atol=0.15 * spread.max() + 0.5)
    np.testing.assert_allclose(own.std(0), spread, atol=0.15 * spread.max() + 0.5)


@pytest.mark.parametrize(
    "keys",
    [
        {"mixup_alpha": 0.4},
        {"mixup_alpha": 0.3, "cutmix_probability": 0.6},
        {"cutmix_probability": 1.0, "cutmix_alpha": 1.0, "mixup_mode": "batch"},
    ],
    ids=["mixup", "both", "batch"],
)
def test_mixing(keys):
    batch, batches = 6, 300
    # Each image has one color of its own, so its pixels tell the shares.
    images = 255 * np.eye(3, dtype="uint8")[np.arange(batch) % 3][:, None, None]
    images = np.broadcast_to(images, (batch, 32, 32, 3))
    labels = np.arange(batch) % 3
    settings, one_hot = Augmentation(**{**OFF, **keys}), np.eye(3, dtype="float32")[labels]
    augment = on_device(keys, 3)
    own, others = [], []
    rng = np.random.default_rng(0)
    for step in range(batches):
        x, y = map(np.asarray, augment(step, images, labels))
        np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
        np.testing.assert_allclose(x.mean((1, 2)) / 255, y, atol=0.08)
        own.append(y[np.arange(batch), labels])
        others.append(mix(images, one_hot, settings, rng)[1][np.arange(batch), labels])
    own, others = np.array(own), np.array(others)
    # The shares within a batch may be equal.
    assert_same_distribution(own[:, 0], others[:, 0])
    assert_same_distribution(own.std(1), others.std(1))


def test_crops_end_with_their_part_of_the_run():
    augment = on_device({"crop_probability": 1.0, "crop_until": 0.5}, steps=10)
    images, labels = np.repeat(PICTURE[None], 8, 0), np.zeros(8, "int32")
    changed = [np.asarray(augment(step, images, labels)[0] != PICTURE) for step in (0, 5, 6, 9)]
    assert [x.any((1, 2, 3)).mean() for x in changed] == [1, 1, 0, 0]


def test_draws_depend_on_seed_and_step():
    augment = on_device({"flip": True, "translation": 0.3}, steps=9)
    images, labels = np.repeat(PICTURE[None], 8, 0), np.zeros(8, "int32")
    first, again, other = (np.asarray(augment(step, images, labels)[0]) for step in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({image.tobytes() for image in first}) > 5
