"""The data, the augmentation, the model and the metrics of detection."""

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training.detection import _batches, _data, _metrics, _model
from tests.helpers import to_numpy
from tests.training.detection.scenes import NAMES, SIDE, save_scenes, scene
from tests.training.detection.test_finetune import spoil_area
from tests.training.made_presets import save_preset


def load(images, path, skip_bad_boxes=False):
    return _data.load_boxed_images(
        *(str(images), "train", path, SIDE, "image", "objects"),
        skip_unreadable=False,
        skip_bad_boxes=skip_bad_boxes,
    )


def box(*corners, label=0, score=1.0):
    return {"boxes": np.array([corners]), "labels": np.array([label]), "confidence": [score]}


def test_average_precision_by_hand():
    boxes = np.array([[[0, 0, 10, 10]], [[10, 10, 30, 30]]], "float32")
    truth = _data.BoxedImages(None, boxes, np.zeros((2, 1)), NAMES, {}, {})
    whole = [box(0, 0, 10, 10), box(10, 10, 30, 30)]
    assert _metrics.average_precision(whole, truth) == {"map": 1.0, "ap50": 1.0}
    # An overlap of 0.72 counts at the thresholds .5, .55, .6, .65 and .7, five of the ten.
    partly = [box(0, 0, 10, 7.2), box(10, 10, 30, 24.4)]
    assert _metrics.average_precision(partly, truth) == {"map": 0.5, "ap50": 1.0}
    # One of two found: precision is 1 at 51 of the 101 levels of recall.
    one = [box(0, 0, 10, 10), box(0, 0, 5, 5, score=0.1)]
    assert _metrics.average_precision(one, truth)["ap50"] == pytest.approx(51 / 101, abs=1e-4)
    nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0), "confidence": []}
    assert _metrics.average_precision([nothing] * 2, truth) == {"map": 0.0, "ap50": 0.0}


def test_boxes_follow_their_objects_through_mirrors_and_windows(tmp_path):
    images = load(save_scenes(tmp_path / "data", train=32), tmp_path / "cache")
    identity = krp.ResBlockImageConverter()
    batches = _batches.training_batches(images, 32, identity, seed=0, scales=(0.7, 1.3))
    x, y = next(iter(batches.starting_at(0)))
    seen = 0
    for image, boxes, labels in zip(x, y["boxes"], y["labels"], strict=True):
        for (left, top, right, bottom), label in zip(boxes, labels.astype(int), strict=True):
            if label < 0:
                assert (left, top, right, bottom) == (-1, -1, -1, -1)
                continue
            seen += 1
            inside = np.zeros((SIDE, SIDE), bool)
            inside[int(np.ceil(top)) : int(bottom), int(np.ceil(left)) : int(right)] = True
            # Edges are mixed with the ground.
            assert np.median(image[inside][:, label]) > 220
            grown = np.zeros((SIDE, SIDE), bool)
            rows = slice(max(0, int(top) - 1), int(bottom) + 2)
            grown[rows, max(0, int(left) - 1) : int(right) + 2] = True
            area = (right - left) * (bottom - top)
            assert (image[grown][:, label] > 150).sum() <= 1.15 * area + 8
    assert seen > 30


def test_boxes_are_padded_and_resized_with_their_images(tmp_path):
    def change(rows):
        rows[0] = rows[0][0], {"bbox": [], "category": []}
        rows[1] = rows[1][0].resize((64, 96)), {"bbox": [[16, 24, 32, 48]], "category": [1]}

    images = load(save_scenes(tmp_path / "data", change, train=3), tmp_path / "cache")
    assert (images.boxes[0] == -1).all()
    assert (images.labels[0] == -1).all()
    np.testing.assert_allclose(images.boxes[1, 0], [8, 8, 24, 24])


def test_bad_boxes_are_left_out_if_asked(tmp_path):
    data = save_scenes(tmp_path / "data", spoil_area, train=4)
    images = load(data, tmp_path / "cache", skip_bad_boxes=True)
    assert images.images.count == len(images.boxes) == 3
    assert list(images.skipped.values()) == [1]
    np.testing.assert_array_equal(images.images.array[1], np.asarray(scene(2)[0]))


def test_anchors_fit_the_size_of_the_images(tmp_path):
    encoder = krp.ResBlockBackbone.from_preset(save_preset(tmp_path / "preset", [8, 8, 8]))
    detector = _model.build(encoder, 2, SIDE)
    anchors = detector.anchor_generator(np.zeros((1, SIDE, SIDE, 3)))
    sides = to_numpy(anchors["P4"])
    sides = np.sqrt((sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]))
    assert sides.max() < 2 * SIDE
    confidence = to_numpy(
        detector(np.random.default_rng(0).normal(size=(1, SIDE, SIDE, 3)))["cls_logits"]
    )
    # Before training every anchor has a probability of 0.01, which is the sigmoid of -4.595. The
    # random kernels of the head move single anchors by less than one, 0.03 at the most.
    np.testing.assert_allclose(confidence, -4.595, atol=1)
    np.testing.assert_allclose(confidence.mean(), -4.595, atol=0.3)
