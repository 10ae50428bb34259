"""`train(…, input="device")`, beside the other inputs."""

import json

import keras_hub
import numpy as np
import pytest

from keras_resblocks_plugin.training import DistributionConfig, TrainConfig, train

RECIPE = """
image_size = 16
epochs = 3
warmup_epochs = 1
batch_size = 20
learning_rate = 0.05
dtype = "mixed_bfloat16"
ema_momentum = 0.5
holdout = 0.1
{}

[backbone]
block_type = "bn"
stackwise_num_filters = [8]
stackwise_num_blocks = [1]
stackwise_num_strides = [1]
input_conv_filters = [8]
input_conv_kernel_sizes = [3]
input_conv_strides = [2]
"""


def config_of(tmp_path, dataset, keys="", mode="device", **options):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(keys))
    options = {"out": tmp_path / mode, "input": mode, **options}
    return TrainConfig(data=str(dataset), recipe=str(recipe), **options)


def test_two_inputs_train_the_same_network(dataset, tmp_path):
    results = []
    for mode in ("device", "array"):
        config = config_of(tmp_path, dataset, mode=mode)
        train(config)
        record = json.loads((config.preset_folder / "training.json").read_text())
        results.append(record["results"])
        history = (config.out / "history.jsonl").read_text().splitlines()
        assert len(history) == 3
        results[-1]["loss"] = json.loads(history[-1])["loss"]
    # The colours are told apart at a glance.
    assert results[0]["validation_top1"] > 0.8
    assert abs(results[0]["validation_top1"] - results[1]["validation_top1"]) < 0.2
    assert abs(results[0]["loss"] - results[1]["loss"]) < 0.25
    # The preset is a plain classifier.
    classifier = keras_hub.models.ImageClassifier.from_preset(str(tmp_path / "device" / "preset"))
    assert classifier.predict(np.zeros((1, 16, 16, 3), "uint8"), verbose=0).shape == (1, 3)
    # A run continues with its own input alone.
    with pytest.raises(ValueError, match="input"):
        train(config_of(tmp_path, dataset, mode="array", out=tmp_path / "device"))


@pytest.mark.parametrize(
    ("keys", "options", "message"),
    [
        ("rand_augment = 2", {}, "`rand_augment`.*Received: rand_augment=2"),
        ("rotation = 15.0", {}, r"`rotation`.*Received: rotation=15\.0"),
        ("trivial_augment = true", {}, "`trivial_augment`"),
        ("max_unreadable = 3", {}, "`max_unreadable`"),
        ("", {"distribution": DistributionConfig(data_parallel=True)}, "trains on one device"),
        ("image_size = 97200", {}, r"needs [\d,.]+ GB"),
    ],
)
def test_what_the_device_cannot_do_is_refused(dataset, tmp_path, keys, options, message):
    config = config_of(tmp_path, dataset, keys, **options)
    if "image_size" in keys:
        text = RECIPE.replace("image_size = 16\n", "").format(keys)
        (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        train(config)
