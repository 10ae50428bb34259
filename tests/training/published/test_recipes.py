"""Published recipes: what they say, and an epoch of training by each."""

import json
import tomllib
from importlib import resources

import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import Recipe, TrainConfig, read_recipe, recipe_names, train
from keras_resblocks_plugin.training._optimizer import new_optimizer
from tests.convert.timm_import import import_timm
from tests.source import ROOT

FOLDER = resources.files("keras_resblocks_plugin.training") / "recipes"
NAMES = ["a1", "a2", "a3", "goyal2017", "he2015", "mlperf_tiny", "torchvision_v2"]
TINY = {
    "stackwise_num_filters": [4],
    "stackwise_num_blocks": [1],
    "stackwise_num_strides": [2],
    "input_conv_filters": [4],
    "input_conv_kernel_sizes": [3],
    "input_conv_strides": [2],
}


def text(name):
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def to_toml(values):
    tables = {key: x for key, x in values.items() if isinstance(x, dict)}
    lines = [f"{key} = {json.dumps(x)}" for key, x in values.items() if key not in tables]
    for key, table in tables.items():
        inner = {f"{key}.{name}" if isinstance(x, dict) else name: x for name, x in table.items()}
        flat = {name: x for name, x in inner.items() if not isinstance(x, dict)}
        lines += [f"[{key}]", *(f"{name} = {json.dumps(x)}" for name, x in flat.items())]
        lines += [to_toml({n: x for n, x in inner.items() if isinstance(x, dict)})]
    return "\n".join(lines)


def test_names():
    assert recipe_names() == NAMES
    # The help of the command.
    assert all(f"`{name}`" in TrainConfig.__doc__ for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_names_its_source_and_its_differences(name):
    assert "# Source: " in text(name)
    assert "https://" in text(name)
    assert "# Differs: " in text(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_repeated_from_its_record(name):
    recipe = read_recipe(name)
    record = json.loads(json.dumps(recipe.to_dict()))
    assert Recipe.from_dict(record) == recipe
    values = tomllib.loads(text(name))
    # What is left out of the record has its default.
    assert Recipe.from_dict({**values, **record}) == recipe


@pytest.mark.parametrize(
    ("name", "parameters"), {"he2015": 23_508_032, "a1": 23_508_032, "mlperf_tiny": 77_200}.items()
)
def test_the_network_of_a_recipe(name, parameters):
    backbone = krp.ResBlockBackbone(**read_recipe(name).backbone)
    weights = sum(int(np.prod(x.shape)) for x in backbone.trainable_weights)
    assert weights == parameters


def test_paths_are_dropped_as_by_timm():
    backbone = krp.ResBlockBackbone(**read_recipe("a1").backbone)
    blocks = [x for x in backbone.layers if isinstance(x, krp.blocks.ResidualBlock)]
    timm = import_timm()
    network = timm.create_model("resnet50", drop_path_rate=0.05)
    stages = (network.layer1, network.layer2, network.layer3, network.layer4)
    theirs = [getattr(x.drop_path, "drop_prob", 0.0) for stage in stages for x in stage]
    np.testing.assert_allclose([block.drop_path_rate for block in blocks], theirs, rtol=1e-6)


def test_the_optimizer_of_a_recipe():
    names = {name: type(new_optimizer(read_recipe(name).optimizer, 0.1)).__name__ for name in NAMES}
    assert names == {
        **dict.fromkeys(["a1", "a2", "a3"], "TimmLamb"),
        **dict.fromkeys(["goyal2017", "he2015", "torchvision_v2"], "TorchSGD"),
        "mlperf_tiny": "CoupledAdam",
    }
    lamb = new_optimizer(read_recipe("a3").optimizer, 0.1).get_config()
    assert (lamb["weight_decay"], lamb["global_clipnorm"]) == (0.02, 1.0)
    assert lamb["no_decay"] == ["gamma", "beta", "bias"]
    assert new_optimizer(read_recipe("he2015").optimizer, 0.1).get_config()["no_decay"] == []


def test_fewer_epochs_shorten_warmup_and_steps():
    schedule = read_recipe("goyal2017", epochs=18).schedule
    assert (schedule.epochs, schedule.warmup_epochs) == (18, 1.0)
    assert schedule.step_epochs == pytest.approx((6, 12, 16))
    record = read_recipe("goyal2017", epochs=18).to_dict()
    assert (record["epochs"], record["shortened_from"]) == (18, 90)
    assert "shortened_from" not in read_recipe("goyal2017", epochs=180).to_dict()
    tiny = read_recipe("mlperf_tiny", epochs=50).schedule
    assert tiny.learning_rate_factor**50 == pytest.approx(0.99**500)


def test_the_converter_of_a_recipe_crops_as_published():
    assert read_recipe("a3").converter == {
        "image_size": 224,
        "crop_fraction": 0.95,
        "interpolation": "bicubic",
    }
    assert read_recipe("a3").image_size == 160


@pytest.mark.parametrize("name", ["a4", "missing.toml"])
def test_an_unknown_recipe_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=f"one of a1, a2, .*a preset. Received: {name}"):
        read_recipe(name)


def test_a_preset_without_a_recipe_is_named(folder):
    with pytest.raises(ValueError, match=r"a preset whose training\.json has a recipe"):
        read_recipe(folder)


def test_the_recipe_of_a_bundled_preset():
    file = ROOT / "presets" / "resblock_bn_small" / "training.json"
    with pytest.warns(UserWarning, match="trained by another program .* lists 8 differences"):
        recipe = read_recipe("resblock_bn_small")
    assert recipe.to_dict() == json.loads(file.read_text())["recipe"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_epoch_by_each(name, dataset, tmp_path):
    values = tomllib.loads(text(name))
    backbone = {**values["backbone"], **TINY}
    batch = {"batch_size": 24, "accumulate": 2} if name == "a3" else {"batch_size": 24}
    sizes = {"image_size": 24, **({"test_size": 32} if "test_size" in values else {})}
    file = tmp_path / "tiny.toml"
    file.write_text(to_toml({**values, **batch, **sizes, "backbone": backbone}))
    out = tmp_path / "run"
    train(TrainConfig(data=str(dataset), recipe=str(file), out=out, epochs=1))
    record = json.loads((out / "preset/training.json").read_text())
    assert record["recipe"]["shortened_from"] == values["epochs"]
    assert record["recipe"]["warmup_epochs"] == pytest.approx(
        values["warmup_epochs"] / values["epochs"]
    )
    assert record["epochs"] == 1
    classifier = keras_hub.models.ImageClassifier.from_preset(str(out / "preset"))
    converter = classifier.preprocessor.image_converter
    side = sizes.get("test_size", 24)
    assert converter.image_size == (side, side)
    assert converter.crop_fraction == values.get("crop_fraction", 1.0)
    # The preset repeats its recipe.
    assert read_recipe(out / "preset").to_dict() == record["recipe"]
