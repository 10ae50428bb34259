"""Exported files predict what Keras predicts, in the runtimes of the extra `export`."""

import json
from typing import get_args

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.export import _formats
from keras_resblocks_plugin.export._runners import runner
from keras_resblocks_plugin.training._runs import weights_digest
from tests.fixtures import call_script
from tests.made_data import CLASSES
from tests.tiny import predict, tiny_backbone, tiny_classifier

pytestmark = [
    pytest.mark.skipif(
        keras.config.backend() != "tensorflow",
        reason="LiteRT and SavedModel are TensorFlow's, so `export` needs that backend.",
    ),
    # Raised by Keras, which patches tf2onnx.
    pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning"),
]

FORMATS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            bool(_formats.missing_modules(name)), reason="The `export` extra is not installed."
        ),
    )
    for name in _formats.FORMATS
]
FLOATS = [format for format in FORMATS if format.values[0] != "litert-int8"]
# Other kernels, the same float32 sums; the logits are of order 1 to 10.
SAME = dict(rtol=1e-4, atol=1e-4)


def raw_images(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, 16, 16, 3)).astype("float32")


@pytest.fixture(scope="module")
def classifier():
    return tiny_classifier(class_names=CLASSES)


@pytest.fixture(scope="module")
def preset(classifier, tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    classifier.save_to_preset(folder)
    return folder


@pytest.fixture(scope="module")
def exported(preset, dataset, tmp_path_factory):
    """A preset in every format whose runtime is here, with its preprocessing."""
    out, cache = tmp_path_factory.mktemp("exported"), tmp_path_factory.mktemp("cache")
    run_export(
        *(preset, "--out", out, "--with-preprocessing", "--runs", 2),
        *("--data", dataset, "--cache", cache, "--calibration-images", 50),
    )
    return out


def run_export(*args):
    call_script("export.py", *args)


def file_of(folder, name):
    record = json.loads((folder / "export.json").read_text())
    return folder / record["results"][name]["file"]


@pytest.mark.parametrize("name", FLOATS)
def test_a_file_takes_raw_images_and_gives_the_outputs_of_keras(name, exported, classifier):
    run = runner(name, file_of(exported, name))
    for count in (3, 1, 2):
        images = raw_images(count)
        np.testing.assert_allclose(run(images), predict(classifier, images), **SAME)


@pytest.mark.parametrize("name", [FORMATS[list(_formats.FORMATS).index("litert-int8")]])
def test_int8_is_int8_throughout_and_near(name, exported, classifier):
    from ai_edge_litert.interpreter import Interpreter

    file = file_of(exported, name)
    interpreter = Interpreter(str(file))
    types = {np.dtype(x["dtype"]).name for x in interpreter.get_tensor_details()}
    # Biases are int32, shapes too; nothing is computed in floats.
    assert types <= {"int8", "int32"}
    images = raw_images(20)
    expected = predict(classifier, images)
    difference = np.abs(runner(name, file)(images) - expected)
    # Seven layers of 255 steps each, with untrained weights.
    assert difference.max() < 0.1 * np.ptp(expected)
    assert difference.max() > 0


def test_the_record_has_what_the_table_shows(exported, preset):
    from keras_resblocks_plugin.export import _measure

    record = json.loads((exported / "export.json").read_text())
    results = record["results"]
    here = [name for name in _formats.FORMATS if not _formats.missing_modules(name)]
    assert list(results) == ["Keras", "Keras, folded", *here]
    assert record["weights"] == weights_digest(preset)
    assert record["folded"]
    assert record["preprocessing"]
    assert record["data"] == {"name": "colours, validation split", "images": 30}
    for name in ("Keras, folded", *here):
        assert results[name]["milliseconds"]["median"] > 0
        if name != "litert-int8":
            assert results[name]["largest_difference"] < 1e-4
            assert results[name]["top1"] == results["Keras"]["top1"]
    text = _measure.report(record)
    assert text.count("\n| ") == len(results) + 2
    for name in here:
        assert results[name]["bytes"] > 4000
        assert f"| {name} | " in text


def test_a_classifier_that_cannot_be_folded_is_exported_unfolded_on_the_samples(tmp_path, capsys):
    preset = tmp_path / "preset"
    # A preset in half precision is exported in float32.
    backbone = tiny_backbone("preact", dtype="bfloat16")
    tiny_classifier(backbone, class_names=CLASSES).save_to_preset(preset)
    out = tmp_path / "out"
    arguments = (preset, "--out", out, "--formats", "savedmodel", "litert-int8", "--runs", 0)
    with pytest.raises(ValueError, match="has no samples"):
        run_export(*arguments)
    (preset / "samples").mkdir()
    for index, image in enumerate(raw_images(2)):
        keras.utils.save_img(preset / "samples" / f"{index}.jpg", image, scale=False)
    run_export(*arguments)
    printed = capsys.readouterr().out
    assert "not folded: `stack0_block0/norm1` cannot be folded" in printed
    assert "Left out: litert-int8 needs" in printed
    results = json.loads((out / "export.json").read_text())["results"]
    assert list(results) == ["Keras", "savedmodel"]
    assert results["savedmodel"]["largest_difference"] < 1e-4
    assert results["savedmodel"]["top1"] is None
    assert results["savedmodel"]["milliseconds"] is None


def test_a_dataset_of_other_classes_is_refused(dataset, tmp_path):
    preset = tmp_path / "preset"
    tiny_classifier().save_to_preset(preset)
    with pytest.raises(ValueError, match="only there red, green, blue; only in the preset"):
        run_export(preset, "--out", tmp_path, "--data", dataset, "--cache", tmp_path / "cache")


def test_the_choices_of_the_command_are_the_formats():
    assert get_args(_formats.FormatName) == tuple(_formats.FORMATS)


@pytest.mark.parametrize("name", FLOATS)
def test_a_backbone_is_written_with_every_size_left_open(name, tmp_path):
    backbone = krp.fold_batch_norm(tiny_backbone())
    run = runner(name, _formats.write(backbone, name, tmp_path / "backbone"))
    for shape in ((1, 16, 16, 3), (3, 20, 12, 3)):
        images = np.random.default_rng(6).normal(size=shape).astype("float32")
        np.testing.assert_allclose(run(images), backbone.predict_on_batch(images), **SAME)
