"""The data, the augmentation and the metrics of segmentation."""

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training.segmentation import _batches, _data, _metrics
from keras_resblocks_plugin.training.segmentation._classes import Classes
from tests.training.segmentation.streets import IGNORED, NAMES, raw_streets, save_streets

IDENTITY = krp.ResBlockImageConverter()


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    streets = save_streets(folder / "data", train=16)
    return _data.load_masked_images(
        *(str(streets), "train", folder / "cache", None, "image", "mask"), skip_unreadable=False
    )


def test_padding_has_the_ignored_class(images):
    classes = Classes(NAMES, IGNORED)
    size = _batches.padded_size(images.size, 8)
    assert size == (32, 40)
    batches = _batches.evaluation_batches(images, classes, size, 4, IDENTITY)
    x, y = batches[0]
    raw, masks = raw_streets(0, 4)
    np.testing.assert_array_equal(x, raw)
    np.testing.assert_array_equal(y[:, :30], masks)
    assert (y[:, 30:] == classes.ignored).all()
    # The batches to measure on have the same images, and masks without padding.
    x, y = next(_batches.raw_batches(images, classes, size, 4))
    np.testing.assert_array_equal(x, raw)
    np.testing.assert_array_equal(y, masks)


def test_crops_keep_their_masks_and_their_padding_is_ignored(images):
    classes = Classes(NAMES, IGNORED)
    batches = _batches.training_batches(
        images, classes, (32, 40), 16, IDENTITY, seed=0, scales=(0.5, 1.0)
    )
    x, y = next(iter(batches.starting_at(0)))
    assert x.shape == (16, 32, 40, 3)
    black = x.max(axis=-1) == 0
    assert 0.1 < black.mean() < 0.8
    assert (y[black] == classes.ignored).all()
    labelled = y != classes.ignored
    # Except where scaling mixes patches, the strongest channel is the class.
    assert np.mean(np.argmax(x, axis=-1)[labelled] == y[labelled]) > 0.9


def test_ids_around_the_ignored_one_become_indices():
    classes = Classes(["a", "b"], ignored_id=0)
    assert classes.ids == [1, 2]
    assert classes.lookup[:4].tolist() == [2, 0, 1, 2]
    assert Classes(["a", "b"], 255).lookup[[0, 1, 255]].tolist() == [0, 1, 2]


def test_mean_iou_by_hand():
    # One of four pixels of `a` is predicted as `b`. `c` is absent and does not count.
    confusion = np.array([[3, 1, 0], [0, 1, 0], [0, 0, 0]])
    results = _metrics.scores(confusion, ["a", "b", "c"], "test")
    assert results == {
        "test_mean_iou": 0.625,
        "test_pixel_accuracy": 0.8,
        "test_iou_a": 0.75,
        "test_iou_b": 0.5,
    }
