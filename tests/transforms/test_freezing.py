"""What is frozen stays frozen through saving and copying, and thaws as the Keras guide says."""

import json
import pathlib
import warnings

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests import tiny
from tests.helpers import TOLERANCE, fill, images, to_numpy, values
from tests.tiny import CLASS_NAMES, assert_refused, tiny_backbone

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "frozen_backbone.json"
HEAD = {"predictions/kernel", "predictions/bias"}
STATISTICS = ("moving_mean", "moving_variance")
# Tracing and compiling take longer than these nets train.
FAST = {"run_eagerly": True}
X, Y = images(3, 8, 8, 3), np.arange(3)


def tiny_classifier(*backbone) -> krp.ResBlockImageClassifier:
    return tiny.tiny_classifier(*backbone, preprocessor=None)


def moving(model, steps=1) -> set[str]:
    """The paths of what training changes."""
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True), **FAST
    )
    before = values(model)
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return {path for path, value in values(model).items() if (value != before[path]).any()}


def paths(layer, *names) -> set[str]:
    return {w.path for w in layer.weights if not names or w.name in names}


def learnable(layer) -> set[str]:
    return paths(layer) - paths(layer, *STATISTICS)


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
def test_saved_and_loaded_what_was_frozen_is_frozen(freeze, tmp_path):
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
        # It goes around once more.
        assert frozen(other) == frozen(classifier), door


def frozen(classifier):
    return classifier.backbone.get_config()["frozen"]


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
    """Configs that exist go on loading, and the key keeps its form."""
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


def test_an_adapter_fits_a_backbone_of_which_something_is_frozen(tmp_path):
    trained, other = tiny_backbone(), tiny_backbone()
    krp.freeze(trained, "lora", rank=2)
    trained.save_lora_weights(tmp_path / "adapter.safetensors")
    krp.freeze(other, "linear")
    other.load_lora_weights(tmp_path / "adapter.safetensors")
    other.load_lora_weights(tmp_path / "adapter.safetensors")


def test_lora_stays_in_keras_files_and_copies_and_is_merged_in_presets(tmp_path):
    classifier = tiny_classifier()
    krp.freeze(classifier, "lora", rank=3)
    learning = {w.path for w in classifier.trainable_weights}
    for layer in lora_layers(classifier):
        layer.lora_alpha = 5.0
    # In the first step one of the two factors is zero, and so the gradient of the other.
    moving(classifier, steps=2)
    classifier.save(tmp_path / "model.keras")
    expected = to_numpy(classifier(X))

    copy = type(classifier).from_config(classifier.get_config())
    copy.set_weights(classifier.get_weights())
    for other in (keras.saving.load_model(tmp_path / "model.keras", compile=False), copy):
        assert [(x.path, x.lora_rank, x.lora_alpha) for x in lora_layers(other)] == [
            (x.path, 3, 5.0) for x in lora_layers(classifier)
        ]
        np.testing.assert_array_equal(to_numpy(other(X)), expected)
        assert {w.path for w in other.trainable_weights} == learning
        assert moving(other, steps=2) == learning

    classifier.save_to_preset(tmp_path / "preset")
    for file in ("config.json", "task.json"):
        text = (tmp_path / "preset" / file).read_text()
        assert not any(word in text for word in ("lora", "frozen", "build_config"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        merged = keras_hub.models.ImageClassifier.from_preset(str(tmp_path / "preset"))
    # Merged kernels are the same sums in another order.
    np.testing.assert_allclose(to_numpy(merged(X)), expected, **TOLERANCE)
    assert {w.path for w in merged.trainable_weights} == HEAD | learnable(merged.backbone)


def lora_layers(model) -> list:
    return [x for x in model._flatten_layers() if getattr(x, "lora_enabled", False)]


# === Thawing ===
def thaw_the_backbone(classifier):
    classifier.backbone.trainable = True
    return classifier.backbone


def thaw_the_model(classifier):
    classifier.trainable = True
    return classifier.backbone


def thaw_by_turning_off_and_on(classifier):
    classifier.backbone.trainable = False
    classifier.backbone.trainable = True
    return classifier.backbone


def thaw_the_last_layers(classifier):
    block = classifier.backbone.get_layer("stack1_block0")
    for layer in classifier.backbone.layers:
        layer.trainable = layer is block
    return block


def thaw_one_block(classifier):
    block = classifier.backbone.get_layer("stack1_block0")
    block.trainable = True
    return block


def thaw_a_layer_in_a_block(classifier):
    conv = classifier.backbone.get_layer("stack1_block0").conv1
    conv.trainable = True
    return conv


def thaw_by_freezing_nothing(classifier):
    krp.freeze(classifier, "full")
    return classifier.backbone


THAWING = [
    thaw_the_backbone,
    thaw_the_model,
    thaw_by_turning_off_and_on,
    thaw_the_last_layers,
    thaw_one_block,
    thaw_a_layer_in_a_block,
    thaw_by_freezing_nothing,
]


@pytest.mark.parametrize(
    ("thaw", "block_type"),
    [*((thaw, "bn") for thaw in THAWING), (thaw_the_backbone, "act")],
)
def test_what_is_thawed_learns(thaw, block_type):
    classifier = tiny_classifier(tiny_backbone(block_type))
    krp.freeze(classifier, "linear")
    assert moving(classifier) == HEAD
    thawed = thaw(classifier)
    # Frozen statistics are configuration of their own.
    assert moving(classifier) == HEAD | learnable(thawed)
    classifier.backbone.trainable = False
    assert moving(classifier) == HEAD


@pytest.mark.parametrize("flag", [False, True])
def test_a_models_own_flag_reaches_everything_after_freezing(flag):
    classifier = tiny_classifier()
    krp.freeze(classifier, "norm")
    classifier.trainable = flag
    expected = HEAD | learnable(classifier.backbone) if flag else set()
    assert {w.path for w in classifier.trainable_weights} == expected
    assert {w.path for w in classifier.weights if w.trainable} == expected


# === Copies ===
def state_of(x, frozen_norms) -> keras.Model:
    """A part of a backbone as a plain functional model, and whatever is frozen inside."""
    backbone = tiny_backbone(image_shape=(8, 8, 3))
    krp.freeze(backbone, x, freeze_batch_norm=frozen_norms == "all")
    if frozen_norms == "some":
        backbone.get_layer("stack0_block0").norm1.freeze_statistics = True
    if x == "full":
        backbone.get_layer("stack0_block0").norm2.trainable = False
        backbone.get_layer("stack1_block0").conv1.trainable = False
    return backbone


@pytest.mark.parametrize(
    ("strategy", "frozen_norms"), [("full", "some"), ("norm", "all"), ("lora", "some")]
)
def test_clones_of_backbones_and_blocks_compute_and_train_the_same(
    strategy, frozen_norms, tmp_path
):
    backbone = state_of(strategy, frozen_norms)
    clones = [backbone, keras.models.clone_model(backbone)]
    keras.Model(backbone.input, backbone.output).save(tmp_path / "part.keras")
    clones.append(keras.saving.load_model(tmp_path / "part.keras"))
    x, y = images(2, 8, 8, 3), images(*backbone.output_shape[1:])[None].repeat(2, 0)
    for clone in clones:
        clone.set_weights(backbone.get_weights())
    trained = []
    for clone in reversed(clones):
        clone.compile(keras.optimizers.SGD(0.1), "mse", **FAST)
        outputs = to_numpy(clone.predict_on_batch(x))
        clone.train_on_batch(x, y)
        trained.append((outputs, clone.get_weights()))
    start, after = trained[-1]
    for outputs, weights in trained:
        np.testing.assert_array_equal(outputs, start)
        for got, wanted in zip(weights, after, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_block_keeps_which_of_its_norms_are_frozen(tmp_path):
    block = krp.blocks.BatchNormResidualBlock(4, strides=2, name="block")
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, block(inputs))
    block.norm2.freeze_statistics = True
    fill(block)
    model.save(tmp_path / "block.keras")
    loaded = keras.saving.load_model(tmp_path / "block.keras").get_layer("block")
    copy = type(block).from_config(block.get_config())
    copy.build((None, 8, 8, 3))
    for other in (loaded, copy):
        assert [other.norm1.freeze_statistics, other.norm2.freeze_statistics] == [False, True]
        assert not other.shortcut_norm.freeze_statistics
    # Files of the time when a block had one answer for all of its norms.
    old = type(block).from_config({**block.get_config(), "freeze_batch_norm": []})
    old.build_from_config({"input_shape": (None, 8, 8, 3), "freeze_batch_norm": True})
    assert all(x.freeze_statistics for x in (old.norm1, old.norm2, old.shortcut_norm))


def test_a_copy_of_a_classifier(tmp_path):
    """The way that the docs show: `clone_model` would leave the preprocessing out."""
    classifier = tiny.tiny_classifier()
    krp.freeze(classifier, "norm")
    copy = type(classifier).from_config(classifier.get_config())
    copy.set_weights(classifier.get_weights())
    raw = tiny.photos()
    np.testing.assert_array_equal(tiny.predict(copy, raw), tiny.predict(classifier, raw))
    assert copy.class_names == CLASS_NAMES
    assert {w.path for w in copy.trainable_weights} == {
        w.path for w in classifier.trainable_weights
    }


if __name__ == "__main__":
    backbone = tiny_backbone(name="frozen_backbone", data_format="channels_last")
    krp.freeze(backbone, "norm")
    backbone.get_layer("stem0_norm").trainable = False
    GOLDEN.write_text(json.dumps(golden_config(backbone), indent=1) + "\n")
