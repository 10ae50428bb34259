"""Fine-tuning for segmentation, in small on made data."""

import json
import re

import keras
import keras_hub
import numpy as np
import pytest
from PIL import Image

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.hub._checks import load_shareable
from keras_resblocks_plugin.training import SegmentationConfig, finetune
from tests.training.made_presets import save_preset
from tests.training.segmentation.streets import IGNORED, NAMES, SIZE, raw_streets, save_streets

CLASSES = {"class_names": NAMES, "ignore_class": IGNORED}


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    return save_streets(tmp_path_factory.mktemp("data") / "x", train=16, validation=4, test=6)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A preset with levels P2 and P3."""
    return save_preset(tmp_path_factory.mktemp("preset"), [8, 16])


def start(preset, data, out, **options):
    options = {"batch_size": 4, **options}
    finetune(SegmentationConfig(preset=str(preset), data=str(data), out=out, **options))
    return out


@pytest.fixture(scope="module")
def finished(preset, streets, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return start(preset, streets, out, **CLASSES, epochs=5, learning_rate=0.01)


def test_the_preset_loads_in_keras_hub_and_reaches_its_recorded_results(finished):
    segmenter = keras_hub.models.ImageSegmenter.from_preset(str(finished / "preset"))
    assert type(segmenter) is keras_hub.models.DeepLabV3ImageSegmenter
    images, truth = raw_streets(2, 6)
    guess = np.argmax(segmenter.predict(images, verbose=0), axis=-1)[:, : SIZE[0]]
    metric = keras.metrics.MeanIoU(len(NAMES), ignore_class=IGNORED)
    metric.update_state(truth, guess)
    record = json.loads((finished / "preset" / "training.json").read_text())
    # The record has four digits.
    assert record["results"]["test_mean_iou"] == pytest.approx(float(metric.result()), abs=6e-5)
    # The colours are easy to tell apart; chance is a fifth. In inference, KerasHub's batch norm
    # takes hundreds of steps to become as good as in training.
    assert record["history"][-1]["mean_iou"] > 0.6
    assert record["results"].keys() >= {"test_pixel_accuracy", "test_iou_red"}
    assert record["data"]["test_images"] == 6
    assert record["start"]["preset"]


def test_the_preset_is_complete_and_can_be_pushed(finished):
    folder = finished / "preset"
    with Image.open(folder / "samples" / "segmentation.png") as picture:
        assert picture.width > 500
    card = (folder / "README.md").read_text()
    assert "image-segmentation" in card
    assert "samples/segmentation.png" in card
    assert (folder / "curve.png").exists()
    load_shareable(folder)


def test_a_finished_run_is_measured_again_without_training(finished, preset, streets):
    history = (finished / "history.jsonl").read_text()
    results = json.loads((finished / "preset" / "training.json").read_text())["results"]
    start(preset, streets, finished, **CLASSES, epochs=5, learning_rate=0.01)
    assert (finished / "history.jsonl").read_text() == history
    again = json.loads((finished / "preset" / "training.json").read_text())["results"]
    assert again == results


def spoil_size(rows):
    rows[1] = rows[1][0], rows[1][1].resize((20, 15))


def spoil_id(rows):
    ids = np.array(rows[1][1])
    ids[5, 5] = 9
    rows[1] = rows[1][0], Image.fromarray(ids)


def spoil_channels(rows):
    rows[1] = rows[1][0], rows[1][1].convert("RGB")


def spoil_image(rows):
    rows[1] = {"bytes": b"\xff\xd8\xff", "path": None}, rows[1][1]


def spoil_one_size(rows):
    rows[1] = rows[1][0].resize((20, 15)), rows[1][1].resize((20, 15), Image.Resampling.NEAREST)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (spoil_size, {}, ["Row 1", "'train'", "40×30", "20×15"]),
        (spoil_id, CLASSES, ["--class-names", "--ignore-class", "row 1, 9"]),
        (spoil_channels, {}, ["Row 1", "one channel", "RGB"]),
        (spoil_image, {}, ["'train' has 1 rows", "rows with images that cannot", ": 1."]),
        (spoil_one_size, {}, ["Row 1", "--image-size", "20×15"]),
        (None, {"mask_column": "labels"}, ["'labels'", "--mask-column"]),
        (None, {"batch_size": 5}, ["`batch_size`", "4"]),
        (None, {"test_split": "none"}, ["'none'"]),
        (None, {"class_names": ["red"]}, ["two classes", "red"]),
    ],
)
def test_bad_input_is_an_error_before_training(preset, tmp_path, change, options, words):
    data = save_streets(tmp_path / "data", change, train=4, validation=2, test=2)
    with pytest.raises(ValueError, match=re.escape(words[0])) as caught:
        start(preset, data, tmp_path / "run", **options)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (tmp_path / "run" / "history.jsonl").exists()


def test_a_preset_without_a_level_is_refused(streets, tmp_path):
    backbone = krp.ResBlockBackbone("bn", [4], [1], [2], [4], [3], [4])
    backbone.save_to_preset(str(tmp_path / "p3"))
    krp.ResBlockImageConverter(scale=1 / 255).save_to_preset(str(tmp_path / "p3"))
    with pytest.raises(ValueError, match=r"levels P2, P3 for segmentation.*a preset with P3"):
        start(tmp_path / "p3", streets, tmp_path / "run", **CLASSES)
