"""Commands measure the outputs of `predict` on raw images, with any converter."""

import json

import evaluate
import export
import keras
import numpy as np
import pytest
import train
from PIL import Image

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.export import _measure
from keras_resblocks_plugin.training.data._input import evaluation_batches
from keras_resblocks_plugin.training.data._labelled_images import open_split
from keras_resblocks_plugin.training.data._resizing import Converted, normalizer
from tests.fixtures import call_script
from tests.helpers import to_numpy
from tests.made_data import CLASSES, save_dataset
from tests.training.decoded import load_images

COUNT = 24
CONVERTERS = {
    "cropped": {"crop_fraction": 0.875},
    "bicubic": {"interpolation": "bicubic", "antialias": True},
    "stretched": {"crop_to_aspect_ratio": False},
    "padded": {"crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True},
    "not_square": {"image_size": (24, 32)},
}


def photographs(count: int, seed: int) -> dict[str, list]:
    """Coarse patterns in several sizes, none of them square."""
    rng = np.random.default_rng(seed)
    images = []
    for index in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (7, 9, 3), "uint8"))
        images.append(coarse.resize((60 + index % 3 * 7, 44 + index % 2 * 5)))
    return {"image": images, "label": [index % 3 for index in range(count)]}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "raw"
    return save_dataset(folder, train=photographs(COUNT, 0), validation=photographs(COUNT, 1))


def save_preset(folder, **converter):
    converter = {"image_size": (32, 32), "scale": 1 / 64, "offset": -2.0, **converter}
    preprocessor = krp.ResBlockImageClassifierPreprocessor(krp.ResBlockImageConverter(**converter))
    classifier = krp.ResBlockImageClassifier(
        krp.ResBlockBackbone("bn", [8], [1], [2], [8], [3], [2]),
        class_names=CLASSES,
        preprocessor=preprocessor,
    )
    # Its logits differ from image to image.
    classifier.output_dense.kernel.assign(10 * np.random.default_rng(0).normal(size=(8, 3)))
    classifier.save_to_preset(str(folder))
    return folder


def predicted(preset, seed: int = 1) -> np.ndarray:
    """The outputs of `predict`, one raw image at a time."""
    classifier = krp.ResBlockImageClassifier.from_preset(preset, compile=False)
    raw = [np.asarray(image)[None].astype("float32") for image in photographs(COUNT, seed)["image"]]
    return np.concatenate([to_numpy(classifier.predict(x, verbose=0)) for x in raw])


def top1(predictions: np.ndarray) -> float:
    labels = np.array(photographs(COUNT, 1)["label"])
    return round(float(np.mean(np.argmax(predictions, axis=1) == labels)), 4)


def run_main(script, monkeypatch, *args):
    call_script(script.__name__, *args)


@pytest.mark.parametrize("name", CONVERTERS)
def test_evaluate_gives_every_image_the_logits_of_predict(
    name, data, tmp_path, monkeypatch, capsys
):
    preset = save_preset(tmp_path / "preset", **CONVERTERS[name])
    expected = predicted(preset)
    model = krp.ResBlockImageClassifier.from_preset(preset, compile=False)
    converter = model.preprocessor.image_converter
    images = load_images(str(data), "validation", Converted(converter), tmp_path / "cache")
    batches = evaluation_batches(images, np.arange(COUNT), 10, normalizer(converter))
    model.preprocessor = None
    logits = model.predict(batches.map(lambda batch: batch[0]), verbose=0)
    # Logits of order 10, in batches of another size.
    np.testing.assert_allclose(to_numpy(logits), expected, rtol=1e-4, atol=1e-4)

    arguments = preset, "--data", data, "--cache", tmp_path / "cache"
    run_main(evaluate, monkeypatch, *arguments)
    measured = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert measured["top1"] == top1(expected)


def test_images_of_one_size_need_no_resizing_and_others_are_refused(data, tmp_path):
    converter = krp.ResBlockImageConverter(scale=1 / 64)
    with pytest.raises(ValueError, match=r"Image 1 .*60×44 pixels.*67×49"):
        load_images(str(data), "validation", Converted(converter), tmp_path)


def test_fine_tuning_learns_and_measures_at_the_scale_of_predict(data, tmp_path):
    preset = save_preset(tmp_path / "preset", **CONVERTERS["cropped"])
    out = tmp_path / "run"
    arguments = "classification", preset, "--data", data, "--out", out, "--epochs", 2
    call_script("finetune", *(*arguments, "--batch-size", 12))
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["results"]["validation_top1"] == top1(predicted(out / "preset"))
    split = open_split(str(data), "train", out / "cache")
    converter = krp.ResBlockImageConverter.from_preset(preset)
    images = split.decode(Converted(converter))
    plain = krp.ResBlockImageConverter(image_size=(32, 32), crop_fraction=0.875)
    raw = np.asarray(photographs(1, 0)["image"][0])
    np.testing.assert_allclose(images.images[0], to_numpy(plain(raw.astype("float32"))), atol=1e-4)


def test_the_preset_of_a_recipe_is_measured_as_it_predicts(data, recipe, tmp_path, monkeypatch):
    out = tmp_path / "run"
    small = tmp_path / "small.toml"
    small.write_text(recipe.read_text().replace("batch_size = 20", "batch_size = 10"))
    run_main(train, monkeypatch, small, "--data", data, "--out", out)
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["results"]["validation_top1"] == top1(predicted(out / "preset"))


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="Others cannot export.")
def test_an_export_is_measured_on_what_predict_sees(data, tmp_path, monkeypatch):
    preset = save_preset(tmp_path / "preset", **CONVERTERS["cropped"])
    for more in ((), ("--with-preprocessing",)):
        arguments = preset, "--out", tmp_path / "out", "--formats", "savedmodel", "--runs", 0
        where = "--data", data, "--cache", tmp_path / "cache"
        run_main(export, monkeypatch, *arguments, *where, *more)
        results = json.loads((tmp_path / "out" / "export.json").read_text())["results"]
        assert round(results["savedmodel"]["top1"], 4) == top1(predicted(preset))


def test_samples_are_resized_as_the_preset_resizes(tmp_path):
    preset = save_preset(tmp_path / "preset", **CONVERTERS["cropped"])
    (preset / "samples").mkdir()
    photographs(1, 0)["image"][0].save(preset / "samples" / "one.jpg", quality=95)
    converter = krp.ResBlockImageConverter.from_preset(preset)
    (image,) = _measure.sample_images(str(preset), Converted(converter))
    with Image.open(preset / "samples" / "one.jpg") as file:
        raw = np.asarray(file).astype("float32")
    np.testing.assert_allclose(
        to_numpy(normalizer(converter)(image)), to_numpy(converter(raw)), atol=1e-5
    )
