"""`finetune.py segmentation`, in small on made data."""

import json
import re

import datasets
import keras
import keras_hub
import numpy as np
import pytest
from PIL import Image

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.hub._checks import load_shareable
from keras_resblocks_plugin.training import _segmentation_results
from keras_resblocks_plugin.training.data import _segmentation_batches, _segmentation_data
from tests.fixtures import call_script

NAMES = ["red", "green", "blue"]
IGNORED = 3
# Height and width: 8, the stride of the backbone below, divides the second alone.
SIZE = (30, 40)


def street(seed: int) -> tuple[Image.Image, Image.Image]:
    """Patches of noisy colours, each a class, and a frame that nobody labelled."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, len(NAMES), (2, 2)).repeat(15, 0).repeat(20, 1)
    pixels = rng.integers(0, 100, (*SIZE, 3))
    pixels[np.arange(SIZE[0])[:, None], np.arange(SIZE[1]), ids] += 120
    ids[:3] = IGNORED
    return tuple(Image.fromarray(array.astype("uint8")) for array in (pixels, ids))


def save_streets(folder, change=None, **counts: int):
    """A dataset with splits of some images each; `change(rows)` may spoil their rows."""
    folder.mkdir(parents=True)
    features = datasets.Features(image=datasets.Image(), mask=datasets.Image())
    for seed, (split, count) in enumerate(counts.items()):
        rows = [street(100 * seed + i) for i in range(count)]
        if change:
            change(rows)
        images, masks = zip(*rows, strict=True)
        columns = {"image": list(images), "mask": list(masks)}
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


@pytest.fixture(scope="module")
def streets(tmp_path_factory):
    return save_streets(tmp_path_factory.mktemp("data") / "x", train=16, validation=4, test=6)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A classifier's preset with levels P2 and P3."""
    backbone = krp.ResBlockBackbone("bn", [8, 16], [1, 1], [2, 2], [8], [3], [2])
    converter = krp.ResBlockImageConverter(image_size=(32, 32), scale=1 / 64, offset=-2.0)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    folder = tmp_path_factory.mktemp("preset")
    krp.ResBlockImageClassifier(backbone, 2, preprocessor=preprocessor).save_to_preset(str(folder))
    return folder


def start(preset, data, out, *more):
    """What a shell would start, in this process."""
    arguments = "segmentation", preset, "--data", data, "--out", out, "--batch-size", 4
    call_script("finetune", *(arguments + more))
    return out


CLASSES = "--class-names", *NAMES, "--ignore-class", str(IGNORED)


@pytest.fixture(scope="module")
def finished(preset, streets, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return start(preset, streets, out, *CLASSES, "--epochs", 5, "--learning-rate", 0.01)


def raw_streets(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images padded by hand, and their masks as they are."""
    images, masks = zip(*(street(100 * seed + i) for i in range(count)), strict=True)
    padded = [np.pad(np.asarray(image), [(0, 2), (0, 0), (0, 0)]) for image in images]
    return np.stack(padded).astype("float32"), np.stack([np.asarray(mask) for mask in masks])


def test_the_preset_loads_in_keras_hub_and_is_as_good_as_its_record_says(finished):
    segmenter = keras_hub.models.ImageSegmenter.from_preset(str(finished / "preset"))
    assert type(segmenter) is keras_hub.models.DeepLabV3ImageSegmenter
    images, truth = raw_streets(2, 6)
    guess = np.argmax(segmenter.predict(images, verbose=0), axis=-1)[:, : SIZE[0]]
    metric = keras.metrics.MeanIoU(len(NAMES), ignore_class=IGNORED)
    metric.update_state(truth, guess)
    record = json.loads((finished / "preset" / "training.json").read_text())
    # The record has four digits.
    assert record["results"]["test_mean_iou"] == pytest.approx(float(metric.result()), abs=6e-5)
    # The colours are told apart at a glance; by chance it is a fifth. KerasHub's batch norm takes
    # hundreds of steps until it is as good in use as it is in training.
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


def test_a_finished_run_measures_again_and_trains_no_more(finished, preset, streets):
    history = (finished / "history.jsonl").read_text()
    results = json.loads((finished / "preset" / "training.json").read_text())["results"]
    start(preset, streets, finished, *CLASSES, "--epochs", 5, "--learning-rate", 0.01)
    assert (finished / "history.jsonl").read_text() == history
    again = json.loads((finished / "preset" / "training.json").read_text())["results"]
    assert again == results


@pytest.fixture
def images(streets, tmp_path):
    return _segmentation_data.load_masked_images(
        str(streets), "train", tmp_path, None, "image", "mask", skip_unreadable=False
    )


def test_what_is_padded_is_ignored(images):
    classes = _segmentation_data.Classes(NAMES, IGNORED)
    size = _segmentation_batches.padded_size(images.size, 8)
    assert size == (32, 40)
    batches = _segmentation_batches.evaluation_batches(images, classes, size, 4)
    x, y = next(batches.as_numpy_iterator())
    assert x.shape == (4, 32, 40, 3)
    raw, masks = raw_streets(0, 4)
    np.testing.assert_array_equal(x, raw)
    np.testing.assert_array_equal(y[:, :30], masks)
    assert (y[:, 30:] == classes.ignored).all()


def test_parts_keep_their_masks_and_what_they_lack_is_ignored(images):
    classes = _segmentation_data.Classes(NAMES, IGNORED)
    identity = krp.ResBlockImageConverter()
    batches = _segmentation_batches.training_batches(
        images, classes, (32, 40), (0.5, 1.0), 16, identity, seed=0
    )
    x, y = next(batches.as_numpy_iterator())
    assert x.shape == (16, 32, 40, 3)
    black = x.max(axis=-1) == 0
    assert 0.1 < black.mean() < 0.8
    assert (y[black] == classes.ignored).all()
    labelled = y != classes.ignored
    # Where scaling mixes no patches, the strongest channel is the class.
    assert np.mean(np.argmax(x, axis=-1)[labelled] == y[labelled]) > 0.9


def test_ids_around_the_ignored_one_become_indices():
    classes = _segmentation_data.Classes(["a", "b"], ignored_id=0)
    assert classes.ids == [1, 2]
    assert classes.lookup[:4].tolist() == [2, 0, 1, 2]
    assert _segmentation_data.Classes(["a", "b"], 255).lookup[[0, 1, 255]].tolist() == [0, 1, 2]


def test_mean_iou_by_hand():
    # Of four pixels of `a` one is taken for `b`; `c` is nowhere and does not count.
    confusion = np.array([[3, 1, 0], [0, 1, 0], [0, 0, 0]])
    results = _segmentation_results.scores(confusion, ["a", "b", "c"], "test")
    assert results == {
        "test_mean_iou": 0.625,
        "test_pixel_accuracy": 0.8,
        "test_iou_a": 0.75,
        "test_iou_b": 0.5,
    }


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


COUNTS = dict(train=4, validation=2, test=2)


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (spoil_size, (), ["Row 1", "'train'", "40×30", "20×15"]),
        (spoil_id, CLASSES, ["--class-names", "--ignore-class", "row 1, 9"]),
        (spoil_channels, (), ["Row 1", "one channel", "RGB"]),
        (spoil_image, (), ["'train' has 1 rows", "rows with images that cannot", ": 1."]),
        (spoil_one_size, (), ["Row 1", "--image-size", "20×15"]),
        (None, ("--mask-column", "labels"), ["'labels'", "--mask-column"]),
        (None, ("--batch-size", 5), ["--batch-size", "4"]),
        (None, ("--test-split", "none"), ["'none'"]),
        (None, ("--class-names", "red"), ["two classes", "red"]),
    ],
)
def test_bad_input_is_an_error_before_training(preset, tmp_path, change, more, words):
    data = save_streets(tmp_path / "data", change, **COUNTS)
    with pytest.raises(ValueError, match=re.escape(words[0])) as caught:
        start(preset, data, tmp_path / "run", *more)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (tmp_path / "run" / "history.jsonl").exists()


def test_a_preset_without_a_level_is_refused(streets, tmp_path):
    backbone = krp.ResBlockBackbone("bn", [4], [1], [2], [4], [3], [4])
    backbone.save_to_preset(str(tmp_path / "p3"))
    krp.ResBlockImageConverter(scale=1 / 255).save_to_preset(str(tmp_path / "p3"))
    with pytest.raises(ValueError, match=r"levels P2, P3 for segmentation.*a preset with P3"):
        start(tmp_path / "p3", streets, tmp_path / "run", *CLASSES)
