"""Fine-tuning for detection, in small on made data."""

import json
import re

import keras_hub
import numpy as np
import pytest
from PIL import Image

from keras_resblocks_plugin.hub._checks import load_shareable
from keras_resblocks_plugin.training import DetectionConfig, finetune
from keras_resblocks_plugin.training.detection import _data, _metrics
from tests.helpers import to_numpy
from tests.training.detection.scenes import NAMES, save_scenes, scene
from tests.training.made_presets import save_preset


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return save_scenes(tmp_path_factory.mktemp("data") / "x", train=32, validation=11)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A preset with levels P2 to P4."""
    return save_preset(tmp_path_factory.mktemp("preset"), [8, 8, 8])


def start(preset, data, out, **options):
    options = {"batch_size": 8, **options}
    finetune(DetectionConfig(preset=str(preset), data=str(data), out=out, **options))
    return out


@pytest.fixture(scope="module")
def finished(preset, scenes, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return start(preset, scenes, out, epochs=12, learning_rate=0.001)


def test_the_preset_loads_in_keras_hub_and_reaches_its_recorded_results(finished):
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
    boxes, labels = _data.padded([objects for _, objects in rows])
    boxes[..., 2:] += boxes[..., :2]
    truth = _data.BoxedImages(None, boxes, labels, NAMES, {}, {})
    measured = _metrics.average_precision(detections, truth)
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


def spoil_area(rows):
    rows[1][1]["bbox"][0][2] = 0


def spoil_place(rows):
    rows[1][1]["bbox"][0][0] = 30


def spoil_category(rows):
    rows[1][1]["category"].append(1)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (spoil_area, {}, ["'train' has 1 rows", "boxes of no area", ": 1.", "--skip-bad-boxes"]),
        (spoil_place, {}, ["outside", "[30.0, ", "32×32"]),
        (spoil_category, {}, ["Row 1 of the split 'train'", "a category"]),
        (None, {"objects_column": "image"}, ["'image'", "`bbox`", "--objects-column"]),
        (None, {"objects_column": "faces"}, ["'faces'", "--objects-column"]),
        (None, {"batch_size": 9}, ["`batch_size`", "8"]),
    ],
)
def test_bad_input_is_an_error_before_training(preset, tmp_path, change, options, words):
    data = save_scenes(tmp_path / "data", change, train=8, validation=2)
    with pytest.raises(ValueError, match=re.escape(words[0])) as caught:
        start(preset, data, tmp_path / "run", **options)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (tmp_path / "run" / "history.jsonl").exists()


def test_a_preset_without_a_level_is_refused(scenes, tmp_path):
    preset = save_preset(tmp_path / "p2", [8])
    with pytest.raises(ValueError, match=r"levels P3, P4 for detection.*a preset with P2"):
        start(preset, scenes, tmp_path / "run")
