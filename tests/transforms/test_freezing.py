"""What is frozen stays frozen through saving and loading."""

import json
import pathlib
import warnings

import keras
import keras_hub
import pytest

import keras_resblocks_plugin as krp
from tests.tiny import assert_refused, tiny_backbone
from tests.transforms.frozen import (
    HEAD,
    STATISTICS,
    frozen,
    learnable,
    moving,
    paths,
    tiny_classifier,
)

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "frozen_backbone.json"


def freeze_linear(classifier):
    krp.freeze(classifier, "linear")
    return HEAD


def freeze_linear_but_for_statistics(classifier):
    krp.freeze(classifier, "linear", freeze_batch_norm=False)
    return HEAD | paths(classifier.backbone, *STATISTICS)


def freeze_all_but_norms(classifier):
    krp.freeze(classifier, "norm")
    return HEAD | paths(classifier.backbone, "gamma", "beta")


def freeze_by_the_flag(classifier):
    classifier.backbone.trainable = False
    return HEAD


def freeze_a_block(classifier):
    block = classifier.backbone.get_layer("stack0_block0")
    block.trainable = False
    return paths(classifier) - paths(block)


def freeze_all_but_a_block(classifier):
    block = classifier.backbone.get_layer("stack1_block0")
    classifier.backbone.trainable = False
    block.trainable = True
    return HEAD | paths(block)


def freeze_single_layers(classifier):
    block = classifier.backbone.get_layer("stack1_block0")
    block.conv1.trainable = block.shortcut_norm.trainable = False
    return paths(classifier) - paths(block.conv1) - paths(block.shortcut_norm)


FREEZING = [
    freeze_linear,
    freeze_linear_but_for_statistics,
    freeze_all_but_norms,
    freeze_by_the_flag,
    freeze_a_block,
    freeze_all_but_a_block,
    freeze_single_layers,
]


@pytest.mark.parametrize("freeze", FREEZING, ids=lambda f: f.__name__)
def test_frozen_weights_stay_frozen_when_saved_and_loaded(freeze, tmp_path):
    classifier = tiny_classifier()
    expected = freeze(classifier)
    classifier.save_to_preset(tmp_path / "preset")
    classifier.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match=r"saved with \d+ of its weights frozen") as caught:
        backbone = krp.ResBlockBackbone.from_preset(tmp_path / "preset")
    assert len([x for x in caught if "frozen" in str(x.message)]) == 1
    with pytest.warns(UserWarning, match="frozen"):
        stock = keras_hub.models.ImageClassifier.from_preset(str(tmp_path / "preset"))
    loaded = {
        "preset": stock,
        "backbone": krp.ResBlockImageClassifier(backbone, 3, compile=False),
        "keras": keras.saving.load_model(tmp_path / "model.keras", compile=False),
        "copy": type(classifier).from_config(classifier.get_config()),
    }
    assert moving(classifier) == expected
    for door, other in loaded.items():
        if door in ("preset", "keras"):
            assert moving(other) == expected, door
        assert {w.path for w in other.trainable_weights} == expected - paths(other, *STATISTICS)
        # It can be saved again.
        assert frozen(other) == frozen(classifier), door


@pytest.mark.parametrize(
    "load", [krp.ResBlockBackbone.from_preset, krp.ResBlockImageClassifier.from_preset]
)
def test_a_frozen_preset_loads_thawed_where_asked(load, tmp_path):
    classifier = tiny_classifier()
    classifier.backbone.trainable = False
    classifier.save_to_preset(tmp_path)
    for arguments in ({"frozen": None}, {"load_weights": False}, {"trainable": True}):
        if "trainable" in arguments and load == krp.ResBlockImageClassifier.from_preset:
            continue  # That is an argument of the task itself.
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model = load(tmp_path, **arguments)
        backbone = getattr(model, "backbone", model)
        assert {w.path for w in backbone.trainable_weights} == learnable(backbone), arguments
        assert "frozen" not in backbone.get_config()


def test_the_config_says_what_is_frozen():
    backbone = tiny_backbone()
    assert "frozen" not in backbone.get_config()
    krp.freeze(backbone, "norm")
    config = backbone.get_config()
    assert config["frozen"] == sorted(paths(backbone, "kernel"))
    assert config["trainable"]
    backbone.get_layer("stem0_norm").trainable = False
    config = backbone.get_config()
    assert config["frozen"] == sorted(
        paths(backbone, "kernel") | paths(backbone.get_layer("stem0_norm"))
    )
    assert_refused(
        lambda: krp.ResBlockBackbone.from_config({**config, "frozen": ["stem0_conv/kernl"]}),
        "`frozen` must hold paths",
        "'stem0_conv/kernl'",
        "Did you mean 'stem0_conv/kernel'?",
    )
    all_frozen = krp.ResBlockBackbone.from_config({**config, "trainable": False})
    assert all_frozen.trainable_weights == []
    assert not any(w.trainable for w in all_frozen.weights)
    all_frozen.trainable = True
    assert {w.path for w in all_frozen.trainable_weights} == learnable(backbone)


def test_golden():
    """Existing configs load, and the key keeps its form."""
    golden = json.loads(GOLDEN.read_text())
    backbone = keras.saving.deserialize_keras_object(golden)
    assert {w.path for w in backbone.trainable_weights} == paths(backbone, "gamma", "beta") - paths(
        backbone.get_layer("stem0_norm")
    )
    assert not backbone.get_layer("stem0_norm").trainable
    # Keras looks up the registered name first: an old file may name a module that has moved.
    expected = {**golden, "module": type(backbone).__module__}
    assert json.loads(json.dumps(golden_config(backbone))) == expected


def golden_config(backbone) -> dict:
    serialized = keras.saving.serialize_keras_object(backbone)
    return {k: v for k, v in serialized.items() if k not in ("build_config", "compile_config")}


def test_folding_drops_what_it_removes():
    classifier = tiny_classifier()
    krp.freeze(classifier, "linear")
    classifier.backbone.get_layer("stem0_norm").trainable = False
    folded = krp.fold_batch_norm(classifier)
    assert frozen(folded) == sorted(paths(folded.backbone, "kernel"))
    krp.freeze(classifier, "full")
    assert "frozen" not in krp.fold_batch_norm(classifier).backbone.get_config()
    krp.freeze(classifier, "lora")
    folded = krp.fold_batch_norm(classifier)
    assert {w.path for w in folded.trainable_weights} == paths(folded)


if __name__ == "__main__":
    backbone = tiny_backbone(name="frozen_backbone", data_format="channels_last")
    krp.freeze(backbone, "norm")
    backbone.get_layer("stem0_norm").trainable = False
    GOLDEN.write_text(json.dumps(golden_config(backbone), indent=1) + "\n")
