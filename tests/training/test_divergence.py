"""Values that are not finite stop a training, and are never reported as results."""

import json
import re

import choose_learning_rate
import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils import _jsonfile
from keras_resblocks_plugin.export import _measure
from keras_resblocks_plugin.training._accuracy import accuracies, measure
from keras_resblocks_plugin.training._divergence import Diverged
from keras_resblocks_plugin.training._recipe import read_recipe
from keras_resblocks_plugin.training._tried_rates import describe_tried_rates
from keras_resblocks_plugin.training.data._input import evaluation_batches
from keras_resblocks_plugin.training.data._resizing import Square
from tests.fixtures import call_script
from tests.training.decoded import load_images
from tests.training.detection.scenes import save_scenes
from tests.training.segmentation.streets import save_streets

pytestmark = pytest.mark.slow

# Past what float32 can hold, two steps later at the latest.
TOO_FAST = 1e35


@pytest.fixture(scope="module")
def plain_recipe(recipe, tmp_path_factory):
    """`plain_recipe(learning_rate)` → a recipe of one epoch without averages or warm-up."""
    folder = tmp_path_factory.mktemp("recipes")

    def write(learning_rate, batch_size=20, holdout=0.1):
        text = re.sub("learning_rate = .*", f"learning_rate = {learning_rate}", recipe.read_text())
        for name, value in {
            **{"epochs": 1, "ema_momentum": 0.0, "batch_size": batch_size, "holdout": holdout},
            **{"mixup_alpha": 0.0, "cutmix_probability": 0.0, "zoom": 0.0},
        }.items():
            text = re.sub(rf"\b{name} = .*", f"{name} = {value}", text)
        file = folder / f"{learning_rate}-{batch_size}.toml"
        file.write_text(text.replace("warmup_epochs = 1", "warmup_epochs = 0"))
        return file

    return write


def save_preset(folder, scale=1.0):
    backbone = krp.ResBlockBackbone("bn", [8, 8], [1, 1], [2, 2], [8], [3], [2])
    converter = krp.ResBlockImageConverter(image_size=(32, 32), scale=1 / 64, offset=-2.0)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    classifier = krp.ResBlockImageClassifier(
        backbone, class_names=["red", "green", "blue"], preprocessor=preprocessor
    )
    classifier.backbone.set_weights([scale * x for x in classifier.backbone.get_weights()])
    classifier.save_to_preset(str(folder))
    return folder


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# A batch of 100 is one step, whose loss is computed before the update and finite.
@pytest.mark.parametrize(
    ("rate", "batch_size", "words"),
    [
        (
            TOO_FAST,
            20,
            r"at step [2-5], in epoch 1, with a learning rate of \S+: `loss` is nan",
        ),
        # No float32 is much larger.
        (3e38, 100, "predictions must be finite"),
    ],
)
def test_a_training_that_diverges_replaces_no_preset(
    plain_recipe, dataset, tmp_path, monkeypatch, rate, batch_size, words
):
    preset = save_preset(tmp_path / "good")
    before = contents(preset)
    recipe = plain_recipe(rate, batch_size, holdout=0.0)
    # A norm would rescale large values.
    recipe.write_text(recipe.read_text().replace('block_type = "bn"', 'block_type = "act"'))
    arguments = recipe, "--data", dataset, "--out", tmp_path / "run"
    with pytest.raises(Diverged, match=words):
        call_script("train", *arguments, "--preset", str(preset))
    assert contents(preset) == before
    assert not (tmp_path / "run" / "preset").exists()
    for file in (tmp_path / "run").glob("*.json*"):
        assert "NaN" not in file.read_text()
        assert "Infinity" not in file.read_text()


@pytest.mark.parametrize("task", ["classification", "segmentation", "detection"])
def test_fine_tuning_that_diverges_saves_nothing(task, dataset, tmp_path):
    preset, more = save_preset(tmp_path / "start"), ()
    data = dataset
    if task == "segmentation":
        data = save_streets(tmp_path / "data", train=8, validation=4, test=4)
        more = "--ignore-class", "3"
    elif task == "detection":
        data = save_scenes(tmp_path / "data", train=8, validation=4)
        backbone = krp.ResBlockBackbone("bn", [4, 4, 8], [1] * 3, [2] * 3, [4], [3], [2])
        backbone.save_to_preset(str(preset))
        more = "--image-size", "32"
    out = tmp_path / "run"
    arguments = task, preset, "--data", data, "--out", out, "--batch-size", 4
    arguments += "--learning-rate", TOO_FAST, "--epochs", 1, *more
    with pytest.raises(Diverged, match=r"at step|must be finite"):
        call_script("finetune", *arguments)
    assert not (out / "preset").exists()


def test_evaluate_refuses_predictions_that_are_not_finite(dataset, tmp_path, monkeypatch):
    preset = save_preset(tmp_path / "broken", scale=np.nan)
    arguments = preset, "--data", dataset, "--cache", tmp_path / "cache"
    with pytest.raises(Diverged, match=r"NaN or infinity for 30 of 30 images"):
        call_script("evaluate", *arguments)


def test_an_export_is_not_measured_by_predictions_that_are_not_finite():
    images = np.zeros((3, 4, 4, 3), "uint8")
    runners = {"Keras": lambda x: x.mean((1, 2)), "onnx": lambda x: np.log(x.mean((1, 2)) - 1)}
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(Diverged, match="The predictions by onnx must be finite"),
    ):
        _measure.measure(runners, images, None, lambda x: x.astype("float32"), 0)


def test_a_rate_that_diverges_is_never_chosen(plain_recipe, dataset, tmp_path, monkeypatch):
    mine = tmp_path / "mine.toml"
    before = plain_recipe(0.05).read_text()
    mine.write_text(before)

    def choose(*rates):
        arguments = mine, "--data", dataset, "--cache", tmp_path / "cache", "--rates", *rates
        monkeypatch.setattr("sys.argv", ["choose_learning_rate.py", *map(str, arguments)])
        choose_learning_rate.main(choose_learning_rate.parse_args())

    with pytest.raises(ValueError, match=r"Received: 1e\+35, 1e\+36, which all diverged"):
        choose(TOO_FAST, 10 * TOO_FAST)
    assert mine.read_text() == before
    choose(0.1, TOO_FAST)
    record = json.loads((tmp_path / "mine.learning_rate.json").read_text())
    assert record["held_out_top1"]["1e+35"] == "diverged"
    assert record["chosen"] == 0.1
    tried = describe_tried_rates(mine, read_recipe(mine), dataset.name)
    assert "1e+35 diverged, 1e+36 diverged, 0.1 " in tried
    # A rate that names nothing right is better than one that diverges.
    assert choose_learning_rate.choose({"0.1": 0.0, "0.01": "diverged"}, 100) == 0.1


def test_equal_predictions_are_no_hits():
    labels = np.arange(10)
    assert accuracies(np.zeros((10, 10)), labels) == {"top1": 0.0, "top5": 0.0}
    ranks = -np.abs(np.arange(10.0) - labels[:, None])
    assert accuracies(ranks, labels) == {"top1": 1.0, "top5": 1.0}
    # Fifth of all, and equal to the sixth, which it may change places with.
    predictions = np.array([[9.0, 8, 7, 6, 5, 5, 0]])
    assert accuracies(predictions, np.array([4]))["top5"] == 0.0
    predictions[0, 5] = 4.9
    assert accuracies(predictions, np.array([4])) == {"top1": 0.0, "top5": 1.0}
    # Of three classes, each is among the five best.
    assert accuracies(np.eye(3), np.array([1, 0, 2])) == {"top1": 0.3333, "top5": 1.0}


def test_measured_accuracy_is_that_of_keras(dataset, tmp_path):
    images = load_images(str(dataset), "validation", Square(32), tmp_path)
    converter = krp.ResBlockImageConverter(image_size=(32, 32), scale=1 / 64, offset=-2.0)
    model = krp.ResBlockImageClassifier(krp.ResBlockBackbone("bn", [8], [1], [2], [8], [3], [2]), 3)
    batches = evaluation_batches(images, np.arange(30), 16, converter)
    labels = np.concatenate([batches[index][1] for index in range(len(batches))])
    logits = model.predict(batches.map(lambda batch: batch[0]), verbose=0)
    expected = float(keras.metrics.CategoricalAccuracy()(labels, logits))
    assert measure(model, batches)["top1"] == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_bare_nan(tmp_path, value):
    file = tmp_path / "x.json"
    _jsonfile.write_json(file, {"top1": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        _jsonfile.write_json(file, {"top1": value})
    assert json.loads(file.read_text()) == {"top1": 0.5}
