"""The keys that presets have recorded mean what Keras' layers did in `tf.data`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_resblocks_plugin.training import Augmentation
from keras_resblocks_plugin.training.data.augmentation import image_augmentation, mix
from keras_resblocks_plugin.training.data.augmentation._geometry import zoom_by
from tests.training.augmentation.distributions import assert_same_distribution

# `tf.data` runs the layers, on every backend.
pytestmark = pytest.mark.slow

SIZE = 32
COUNT = 2000
# Rows in the first channel, columns in the second: a pixel says where it came from.
IMAGE = np.zeros((SIZE, SIZE, 3), "uint8")
IMAGE[..., 0], IMAGE[..., 1] = 8 * np.mgrid[:SIZE, :SIZE]


def by_keras(layer, count=COUNT):
    """Many versions of the image by a layer, as version 0.1 made them."""
    batch = tf.data.Dataset.from_tensors(np.repeat(IMAGE[None].astype("float32"), count, 0))
    return next(batch.map(lambda x: layer(x, training=True)).as_numpy_iterator())


def augmented(**keys):
    """As many by this package."""
    keys = {"flip": False, "translation": 0.0, **keys}
    augment = image_augmentation(Augmentation(**keys), SIZE)
    rng = np.random.default_rng(1)
    return np.stack([augment(IMAGE, rng, 0.0) for _ in range(COUNT)])


def test_flip():
    own, others = augmented(flip=True), by_keras(keras.layers.RandomFlip("horizontal", seed=1))
    versions = [{x.tobytes() for x in images.astype("uint8")} for images in (own, others)]
    assert versions[0] == versions[1] == {IMAGE.tobytes(), IMAGE[:, ::-1].tobytes()}
    assert_same_distribution(own[:, 0, 0, 1], others[:, 0, 0, 1])


def test_translation():
    layer = keras.layers.RandomTranslation(0.2, 0.2, "reflect", "nearest", seed=1)
    own, others = augmented(translation=0.2), by_keras(layer).astype("uint8")
    center = SIZE // 2
    versions = []
    for images in (own, others):
        shifts = images[:, center, center, :2] // 8
        versions.append(dict(zip(map(tuple, shifts.tolist()), images, strict=True)))
    # The largest shift is 0.2 * 32 = 6.4 pixels.
    assert versions[0].keys() == versions[1].keys()
    assert len(versions[0]) == 13**2
    for shift, image in versions[0].items():
        np.testing.assert_array_equal(image, versions[1][shift])
    for channel in (0, 1):
        draws = [images[:, center, center, channel] for images in (own, others)]
        assert_same_distribution(*draws)
    np.testing.assert_allclose(own.mean(0), others.mean(0), atol=4)


def test_zoom():
    for factor in (0.7, 0.93, 1.0, 1.21, 1.9):
        layer = keras.layers.RandomZoom((factor - 1, factor - 1), fill_mode="reflect")
        np.testing.assert_allclose(zoom_by(IMAGE, factor), by_keras(layer, 1)[0], atol=0.501)
    layer = keras.layers.RandomZoom((-0.3, 0.3), fill_mode="reflect", seed=1)
    own, others = augmented(zoom=0.3), by_keras(layer)
    # The step between neighbours in the middle tells the factor.
    steps = [
        images[:, 20, 16, 0].astype("float32") - images[:, 12, 16, 0] for images in (own, others)
    ]
    assert_same_distribution(steps[0], np.rint(steps[1]))
    np.testing.assert_allclose(own.mean(0), others.mean(0), atol=4)


def mixed(change, batches=600, batch=8):
    """The labels' shares and the pixels' shares of the images themselves, of many batches."""
    images = np.broadcast_to(
        np.eye(batch, dtype="float32")[:, None, None], (batch, SIZE, SIZE, batch)
    )
    data = {"images": images, "labels": np.eye(batch, dtype="float32")}
    shares, pixels = [], []
    for x, y in change(data, batches):
        own = np.arange(batch)
        shares.append(y[own, own])
        pixels.append(x[own, :, :, own].mean((1, 2)))
    return np.array(shares), np.array(pixels)


def mixed_by_keras(layer):
    def change(data, batches):
        dataset = tf.data.Dataset.from_tensors(data).repeat(batches)
        dataset = dataset.map(lambda x: layer(x, training=True))
        return ((x["images"], x["labels"]) for x in dataset.as_numpy_iterator())

    return mixed(change)


def mixed_by_keys(**keys):
    rng = np.random.default_rng(1)

    def change(data, batches):
        for _ in range(batches):
            yield mix(data["images"], data["labels"], Augmentation(**keys), rng)

    return mixed(change)


def test_mixup():
    own = mixed_by_keys(mixup_alpha=0.4)
    others = mixed_by_keras(keras.layers.MixUp(0.4, seed=1))
    np.testing.assert_allclose(own[1], own[0], atol=1e-5)
    assert_same_distribution(own[0], others[0])
    # Each image of a batch has its own weight.
    assert np.ptp(own[0], axis=1).mean() > 0.5


def test_cutmix():
    own = mixed_by_keys(cutmix_probability=1.0)
    others = mixed_by_keras(keras.layers.CutMix(seed=1))
    for values, other in zip(own, others, strict=True):
        # The parameter of a batch is one draw, so a batch is one sample.
        assert_same_distribution(values[:, 0], other[:, 0])
        assert_same_distribution(values.std(1), other.std(1))
    # The labels' share is the area before it is rounded to pixels.
    np.testing.assert_allclose(own[1], own[0], atol=2 / SIZE)


def test_cutmix_changes_its_share_of_the_batches():
    shares, _ = mixed_by_keys(cutmix_probability=0.3)
    assert abs((shares != 1).any(1).mean() - 0.3) < 0.05
    both, _ = mixed_by_keys(cutmix_probability=0.3, mixup_alpha=0.4)
    assert (both != 1).any(1).all()
