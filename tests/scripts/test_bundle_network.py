"""A network that another script trained becomes a preset that says how it was made."""

import json

import bundle_network
import ml_dtypes
import numpy as np
import pytest
from huggingface_hub import ModelCard

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.saving._training_record import TrainingRecord
from keras_resblocks_plugin.training._classifier import build_classifier, new_converter
from tests.made_data import CLASSES

NET = {
    "stackwise_num_filters": [4, 6],
    "stackwise_num_blocks": [1, 1],
    "stackwise_num_strides": [1, 2],
    "input_conv_filters": [4],
    "input_conv_kernel_sizes": [3],
    "input_conv_strides": [2],
    "block_type": "bn",
}
HELD_OUT = {"ema": {"held_out": [0.5, 0.75]}, "last": {"held_out": [0.25, 0.5]}}
RUN = {
    "args": {"name": "bn", "lr": 0.3, "limit": None, "seed": 0, "out": "/somewhere/bn.npz"},
    "net": NET,
    "taken": "ema",
    "results": HELD_OUT,
    "history": [
        {"epoch": 1, "lr": 0.1, "loss": 5.0, "seconds": 2.0, "held_out_ema": 0.1, "held_out": 0.2},
        {"epoch": 2, "lr": 0.3, "loss": 4.0, "seconds": 1.0},
    ],
    **{"mean": [120.0] * 3, "std": [70.0] * 3, "jax": "1", "keras": "3", "images": [90, 10, 9]},
}


@pytest.fixture
def trained(tmp_path):
    """A classifier, and its weights as the other script stores them."""
    classifier = build_classifier(NET, CLASSES, new_converter(64), 0.0, "float32")
    arrays = {}
    for variable in classifier.weights:
        kernel = variable.path.endswith("kernel") and len(variable.shape) == 4
        values = np.asarray(variable.value).astype(ml_dtypes.bfloat16 if kernel else "float32")
        variable.assign(values.astype("float32"))
        arrays[variable.path] = values.view("uint16") if kernel else values
    np.savez(tmp_path / "net.npz", **arrays)
    (tmp_path / "net.json").write_text(json.dumps(RUN))
    (tmp_path / "classes.json").write_text(json.dumps({"names": CLASSES}))
    recipe = [f"{key} = {json.dumps(value)}" for key, value in NET.items()]
    (tmp_path / "net.toml").write_text("\n".join(["[backbone]", *recipe]))
    return classifier


@pytest.fixture
def bundle(tmp_path, dataset):
    """`bundle(*options)` runs the script, and returns the record of the preset."""

    def bundle(*options):
        files = {"--classes": tmp_path / "classes.json", "--recipe": tmp_path / "net.toml"}
        words = [tmp_path / "net.npz", tmp_path / "preset", "--data", dataset, "--also", dataset]
        words += [word for pair in files.items() for word in pair]
        bundle_network.main(bundle_network.parse_args([*map(str, words), *options]))
        return TrainingRecord.read(tmp_path / "preset")

    return bundle


def test_the_preset_has_the_weights_and_says_how_they_were_made(trained, bundle, tmp_path):
    record = bundle()
    loaded = krp.ResBlockImageClassifier.from_preset(tmp_path / "preset")
    for value, expected in zip(loaded.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
    assert loaded.class_names == CLASSES
    assert loaded.preprocessor.image_converter.scale == pytest.approx([1 / 70] * 3)
    assert record.data["classes"] == len(CLASSES)
    assert [other["classes"] for other in record.measured_on] == [len(CLASSES)]
    assert record.measured_on[0]["top1"] == record.results["validation_top1"]
    assert record.history[0] == {
        **{"epoch": 1, "loss": 5.0, "val_accuracy": 0.1, "learning_rate": 0.1, "seconds": 2.0}
    }
    assert "averaged 0.5000, last 0.2500" in record.made_by["choice"]
    assert "somewhere" not in json.dumps(record.to_json())
    card = ModelCard.load(tmp_path / "preset" / "README.md")
    assert "no script of this repository made these weights" in card.text
    assert "- Weight decay: L2 of 5e-4" in card.text
    assert "History" not in card.text


def test_figures_of_replaced_weights_are_kept(trained, bundle, tmp_path):
    first = bundle()
    second = bundle("--replaces", "version 0")
    (earlier,) = second.earlier_weights
    assert (earlier["version"], earlier["weights"]) == ("version 0", first.weights)
    assert earlier["validation_top1"] == first.results["validation_top1"]
    assert bundle().earlier_weights == second.earlier_weights
    assert "## History" in (tmp_path / "preset" / "README.md").read_text()


def test_weights_of_another_network_are_refused(trained, bundle, tmp_path):
    np.savez(tmp_path / "net.npz", kernel=np.zeros(3))
    with pytest.raises(ValueError, match="other variables"):
        bundle()
