"""`finetune.py detection`, in small on made data."""

import json
import re

import datasets
import keras_hub
import numpy as np
import pytest
from PIL import Image

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.hub._checks import load_shareable
from keras_resblocks_plugin.training import _detection, _detection_results
from keras_resblocks_plugin.training.data import _detection_batches, _detection_data
from keras_resblocks_plugin.training.data._records import Records
from tests.fixtures import call_script
from tests.helpers import to_numpy

NAMES = ["red", "green"]
SIDE = 32


def scene(seed: int) -> tuple[Image.Image, dict]:
    """One bright square on a dim ground, its class by colour; every third has two."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (SIDE, SIDE, 3))
    objects = {"bbox": [], "category": []}
    for half in range(2 if seed % 3 == 0 else 1):
        width, height = rng.integers(10, 16, 2)
        left, top = 16 * half, rng.integers(0, 32 - height)
        label = rng.integers(2)
        pixels[top : top + height, left : left + width, label] = 230
        objects["bbox"].append([left, top, width, height])
        objects["category"].append(label)
    return Image.fromarray(pixels.astype("uint8")), objects


def save_scenes(folder, change=None, **counts: int):
    """A dataset with splits of some images each; `change(rows)` may spoil their rows."""
    folder.mkdir(parents=True)
    features = datasets.Features(
        image=datasets.Image(),
        objects={
            "bbox": datasets.List(datasets.List(datasets.Value("float32"), length=4)),
            "category": datasets.List(datasets.ClassLabel(names=NAMES)),
        },
    )
    for seed, (split, count) in enumerate(counts.items()):
        rows = [scene(99 * seed + i) for i in range(count)]
        if change:
            change(rows)
        images, objects = zip(*rows, strict=True)
        columns = {"image": list(images), "objects": list(objects)}
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return save_scenes(tmp_path_factory.mktemp("data") / "x", train=32, validation=11)


def save_preset(folder, strides):
    backbone = krp.ResBlockBackbone(
        "bn", [8] * len(strides), [1] * len(strides), strides, [8], [3], [2]
    )
    converter = krp.ResBlockImageConverter(image_size=(SIDE, SIDE), scale=1 / 64, offset=-2.0)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    krp.ResBlockImageClassifier(backbone, 2, preprocessor=preprocessor).save_to_preset(str(folder))
    return folder


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A classifier's preset with levels P2 to P4."""
    return save_preset(tmp_path_factory.mktemp("preset"), [2, 2, 2])


def start(preset, data, out, *more):
    """What a shell would start, in this process."""
    arguments = "detection", preset, "--data", data, "--out", out, "--batch-size", 8
    call_script("finetune", *(arguments + more))
    return out


@pytest.fixture(scope="module")
def finished(preset, scenes, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return start(preset, scenes, out, "--epochs", 12, "--learning-rate", 0.001)


def load(images, path, **skip):
    skip = {"skip_unreadable": False, "skip_bad_boxes": False} | skip
    return _detection_data.load_boxed_images(
        str(images), "train", path, SIDE, "image", "objects", **skip
    )


def test_the_preset_loads_in_keras_hub_and_is_as_good_as_its_record_says(finished, scenes):
    detector = keras_hub.models.ObjectDetector.from_preset(str(finished / "preset"))
    assert type(detector) is keras_hub.models.RetinaNetObjectDetector
    record = json.loads((finished / "preset" / "training.json").read_text())
    losses = [epoch["loss"] for epoch in record["history"]]
    assert losses[-1] < 0.85 * losses[0]
    rows = [scene(99 + i) for i in range(11)]
    raw = np.stack([np.asarray(image) for image, _ in rows]).astype("float32")
    seen = {key: to_numpy(value) for key, value in detector.predict(raw, verbose=0).items()}
    detections = [
        {key: seen[key][i, : int(count)] for key in ("boxes", "labels", "confidence")}
        for i, count in enumerate(seen["num_detections"])
    ]
    assert sum(len(found["boxes"]) for found in detections) > 0
    boxes, labels = _detection_data.padded([objects for _, objects in rows])
    boxes[..., 2:] += boxes[..., :2]
    truth = _detection_data.BoxedImages(None, boxes, labels, NAMES, {}, {})
    measured = _detection_results.average_precision(detections, truth)
    assert {f"validation_{name}": value for name, value in measured.items()} == record["results"]


def test_the_preset_is_complete_and_can_be_pushed(finished):
    folder = finished / "preset"
    with Image.open(folder / "samples" / "detection.png") as picture:
        assert picture.width > 500
    card = (folder / "README.md").read_text()
    assert "object-detection" in card
    assert "samples/detection.png" in card
    assert (folder / "curve.png").exists()
    load_shareable(folder)


def box(*corners, label=0, score=1.0):
    return {"boxes": np.array([corners]), "labels": np.array([label]), "confidence": [score]}


def test_average_precision_by_hand():
    boxes = np.array([[[0, 0, 10, 10]], [[10, 10, 30, 30]]], "float32")
    truth = _detection_data.BoxedImages(None, boxes, np.zeros((2, 1)), NAMES, {}, {})
    whole = [box(0, 0, 10, 10), box(10, 10, 30, 30)]
    assert _detection_results.average_precision(whole, truth) == {"map": 1.0, "ap50": 1.0}
    # An overlap of 0.72 holds at the thresholds .5, .55, .6, .65 and .7, five of the ten.
    partly = [box(0, 0, 10, 7.2), box(10, 10, 30, 24.4)]
    assert _detection_results.average_precision(partly, truth) == {"map": 0.5, "ap50": 1.0}
    # One of two found: precision is 1 at 51 of the 101 levels of recall.
    one = [box(0, 0, 10, 10), box(0, 0, 5, 5, score=0.1)]
    assert _detection_results.average_precision(one, truth)["ap50"] == pytest.approx(
        51 / 101, abs=1e-4
    )
    nothing = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0), "confidence": []}
    assert _detection_results.average_precision([nothing] * 2, truth) == {"map": 0.0, "ap50": 0.0}


def test_boxes_follow_their_objects_through_mirrors_and_windows(scenes, tmp_path):
    images = load(scenes, tmp_path)
    identity = krp.ResBlockImageConverter()
    batches = _detection_batches.training_batches(images, (0.7, 1.3), 32, identity, seed=0)
    x, y = next(batches.as_numpy_iterator())
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
            grown[
                max(0, int(top) - 1) : int(bottom) + 2, max(0, int(left) - 1) : int(right) + 2
            ] = 1
            assert (image[grown][:, label] > 150).sum() <= 1.3 * inside.sum() + 8
    assert seen > 30


def test_an_image_without_objects_and_one_of_another_size(tmp_path):
    def change(rows):
        rows[0] = rows[0][0], {"bbox": [], "category": []}
        rows[1] = rows[1][0].resize((64, 96)), {"bbox": [[16, 24, 32, 48]], "category": [1]}

    images = load(save_scenes(tmp_path / "data", change, train=3), tmp_path / "cache")
    assert (images.boxes[0] == -1).all()
    assert (images.labels[0] == -1).all()
    np.testing.assert_allclose(images.boxes[1, 0], [8, 8, 24, 24])


def test_anchors_are_for_the_size_of_the_images(preset):
    encoder = krp.ResBlockBackbone.from_preset(str(preset))
    detector = _detection.build(encoder, 2, SIDE)
    anchors = detector.anchor_generator(np.zeros((1, SIDE, SIDE, 3)))
    sides = to_numpy(anchors["P4"])
    sides = np.sqrt((sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]))
    assert sides.max() < 2 * SIDE
    confidence = to_numpy(
        detector(np.random.default_rng(0).normal(size=(1, SIDE, SIDE, 3)))["cls_logits"]
    )
    # Nothing is an object before anything is learnt, whatever the image: its sigmoid is 0.01.
    # The random kernels of the head move single anchors by less than one, 0.03 at the most.
    np.testing.assert_allclose(confidence, -4.595, atol=1)
    np.testing.assert_allclose(confidence.mean(), -4.595, atol=0.3)


def spoil_area(rows):
    rows[1][1]["bbox"][0][2] = 0


def spoil_place(rows):
    rows[1][1]["bbox"][0][0] = 30


def spoil_category(rows):
    rows[1][1]["category"].append(1)


COUNTS = dict(train=8, validation=2)


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (spoil_area, (), ["'train' has 1 rows", "boxes of no area", ": 1.", "--skip-bad-boxes"]),
        (spoil_place, (), ["outside", "[30.0, ", "32×32"]),
        (spoil_category, (), ["Row 1 of the split 'train'", "a category"]),
        (None, ("--objects-column", "image"), ["'image'", "`bbox`", "--objects-column"]),
        (None, ("--objects-column", "faces"), ["'faces'", "--objects-column"]),
        (None, ("--batch-size", 9), ["--batch-size", "8"]),
    ],
)
def test_bad_input_is_an_error_before_training(preset, tmp_path, change, more, words):
    data = save_scenes(tmp_path / "data", change, **COUNTS)
    with pytest.raises(ValueError, match=re.escape(words[0])) as caught:
        start(preset, data, tmp_path / "run", *more)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (tmp_path / "run" / "history.jsonl").exists()


def test_bad_boxes_are_left_out_where_asked(tmp_path):
    data = save_scenes(tmp_path / "data", spoil_area, train=4)
    images = load(data, tmp_path / "cache", skip_bad_boxes=True)
    assert images.images.count == len(images.boxes) == 3
    assert list(images.skipped.values()) == [1]
    np.testing.assert_array_equal(images.images.array[1], np.asarray(scene(2)[0]))
    assert isinstance(images.images, Records)


def test_a_preset_without_a_level_is_refused(scenes, tmp_path):
    preset = save_preset(tmp_path / "p2", [2])
    with pytest.raises(ValueError, match=r"levels P3, P4 for detection.*a preset with P2"):
        start(preset, scenes, tmp_path / "run")
