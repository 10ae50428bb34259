"""Fine-tuning for classification, in small on made data."""

import json
import time

import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.hub._checks import check_shareable_adapter, load_shareable
from keras_resblocks_plugin.training import ClassificationConfig, finetune
from tests.fixtures import start_script
from tests.helpers import TOLERANCE, to_numpy
from tests.made_data import CLASSES, photographs
from tests.training.made_presets import save_preset

PIXELS = np.stack([image.resize((32, 32)) for image in photographs(12, 7)["image"]])
LORA = {"strategy": "lora", "epochs": 12, "images_per_class": 20, "held_out_per_class": 5}


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A classifier's preset, of other classes."""
    return save_preset(tmp_path_factory.mktemp("preset") / "tiny")


def start(preset, data, out, **options):
    options = {"batch_size": 20, "learning_rate": 0.03, **options}
    finetune(ClassificationConfig(preset=str(preset), data=str(data), out=out, **options))
    return out


def logits(classifier) -> np.ndarray:
    return to_numpy(classifier.predict(PIXELS, verbose=0))


@pytest.fixture(scope="module")
def finished(preset, dataset, tmp_path_factory):
    return start(preset, dataset, tmp_path_factory.mktemp("runs") / "run", **LORA)


def test_a_run_saves_a_preset_that_kerashub_loads(finished):
    folder = finished / "preset"
    record = json.loads((folder / "training.json").read_text())
    classifier = keras_hub.models.ImageClassifier.from_preset(str(folder))
    assert classifier.class_names == CLASSES
    # The colours are easy to tell apart.
    guesses = np.argmax(logits(classifier), axis=1)
    assert np.mean(guesses == photographs(12, 7)["label"]) > 0.8
    assert record["results"]["validation_top1"] > 0.8
    assert record["results"].keys() == {
        f"{split}_{top}" for split in ("validation", "held_out") for top in ("top1", "top5")
    }
    assert {record["data"][f"{name}_images"] for name in ("train", "held_out")} == {60, 15}
    recipe = record["recipe"]
    assert (recipe["strategy"], recipe["rank"], recipe["batch_norm_statistics"]) == (
        *("lora", 4),
        "frozen",
    )
    assert record["start"] == {"preset": "tiny"}
    assert len(record["history"]) == 12
    assert (folder / "curve.png").exists()
    assert "validation" in (folder / "README.md").read_text()
    assert load_shareable(folder).backbone.freeze_batch_norm


def test_the_adapter_alone_gives_the_same_predictions(finished, preset):
    check_shareable_adapter(finished / "adapter")
    classifier = krp.ResBlockImageClassifier.from_preset(preset, num_classes=len(CLASSES))
    classifier.load_lora_weights(finished / "adapter")
    expected = logits(krp.ResBlockImageClassifier.from_preset(finished / "preset"))
    np.testing.assert_allclose(logits(classifier), expected, **TOLERANCE)
    assert classifier.class_names == CLASSES


def test_a_folder_continues_its_own_run_only(finished, preset, dataset, capsys):
    before = (finished / "history.jsonl").read_text()
    start(preset, dataset, finished, **LORA)
    assert (finished / "history.jsonl").read_text() == before
    assert "validation_top1" in capsys.readouterr().out
    with pytest.raises(ValueError, match="made with other settings: `epochs` was 12, now 13"):
        start(preset, dataset, finished, **LORA | {"epochs": 13})


def test_a_killed_run_resumes(preset, dataset, tmp_path):
    out = tmp_path / "run"
    line = "finetune.py", "classification", preset, "--data", dataset, "--out", out
    line += "--batch-size", 20, "--epochs", 4, "--strategy", "lora"
    killed = start_script(*line)
    # After the first backup, any moment will do.
    while not (out / "backup" / "training_metadata.json").exists():
        assert killed.poll() is None, killed.stderr.read()
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    done = [json.loads(x)["epoch"] for x in (out / "history.jsonl").read_text().splitlines()]
    resumed = start_script(*line)
    assert resumed.wait() == 0, resumed.stderr.read()
    epochs = [json.loads(x) for x in (out / "history.jsonl").read_text().splitlines()]
    # No epoch runs twice, except the one that was being saved.
    assert [epoch["epoch"] for epoch in epochs] in (
        [1, 2, 3, 4],
        sorted([*done, *range(done[-1], 5)]),
    )
    assert (out / "preset" / "task.weights.h5").exists()


def test_from_scratch_learns_everything(preset, dataset, tmp_path):
    out = start(preset, dataset, tmp_path / "run", from_scratch=True, epochs=1)
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["start"] == {"architecture": "tiny"}
    backbone = krp.ResBlockBackbone.from_preset(out / "preset")
    original = krp.ResBlockBackbone.from_preset(preset)
    assert not backbone.freeze_batch_norm
    for ours, theirs in zip(backbone.weights, original.weights, strict=True):
        assert not np.array_equal(to_numpy(ours), to_numpy(theirs)), ours.path
