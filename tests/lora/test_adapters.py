"""Adapters are saved, loaded, and refused where they do not fit."""

import json
import warnings

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils._safetensors import read_header
from tests import tiny
from tests.helpers import TOLERANCE, images, to_numpy, values
from tests.tiny import CLASS_NAMES, assert_refused, tiny_backbone

X = images(2, 16, 16, 3)
ADAPTER = "adapter.safetensors"


def adapted(model, rank=2):
    """Enables LoRA, and gives it random values."""
    krp.freeze(model, "lora", rank=rank)
    rng = np.random.default_rng(5)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=tuple(weight.shape)).astype("float32") / 4)
    return model


def tiny_classifier(**kwargs):
    return tiny.tiny_classifier(tiny_backbone(), preprocessor=None, **kwargs)


def load_quietly(model, file):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.load_lora_weights(file)


@pytest.fixture(scope="module")
def of_backbone(tmp_path_factory):
    """An adapter of `tiny_backbone()`, and the features of the backbone with it."""
    file = tmp_path_factory.mktemp("adapters") / ADAPTER
    backbone = adapted(tiny_backbone())
    backbone.save_lora_weights(file)
    return file, to_numpy(backbone(X))


def test_an_adapter_is_small_and_keyed_by_weight_path(of_backbone):
    file, _ = of_backbone
    tensors = load_file(file)
    assert {path.rpartition("/")[2] for path in tensors} == {"lora_kernel_a", "lora_kernel_b"}
    assert tensors["stack1_block0/shortcut_conv/lora_kernel_a"].shape == (1, 1, 4, 2)
    assert tensors["stem0_conv/lora_kernel_b"].shape == (2, 4)
    metadata = read_header(file).metadata
    assert (metadata["rank"], float(metadata["alpha"])) == ("2", 2.0)
    assert json.loads(metadata["architecture"])["stackwise_num_filters"] == [4, 6]


def test_equal_adapters_are_equal_files(tmp_path):
    # The safetensors library writes metadata in random order.
    model = adapted(tiny_classifier(class_names=["caté", 'd"o\\g', "fox\n\u2028\x7f🦊"]))
    for number in range(8):
        model.save_lora_weights(tmp_path / str(number) / ADAPTER)
    assert len({file.read_bytes() for file in tmp_path.rglob(ADAPTER)}) == 1
    loaded = tiny_classifier()
    load_quietly(loaded, tmp_path / "0")
    assert loaded.class_names == model.class_names


def test_long_file_names(tmp_path):
    file = tmp_path / ("n" * 243 + ".safetensors")
    adapted(tiny_backbone()).save_lora_weights(file)
    load_quietly(tiny_backbone(), file)
    assert list(tmp_path.iterdir()) == [file]


def test_a_backbone_with_functions_and_numpy_numbers_as_arguments(tmp_path):
    filters = list(np.array([4, 6]))
    kwargs = {
        "stackwise_num_blocks": [1, 1],
        "stackwise_num_strides": list(np.array([1, 2])),
        **{"input_conv_filters": [4], "input_conv_kernel_sizes": [3], "input_conv_strides": [2]},
        "block_kwargs": {"activation": keras.activations.gelu},
    }
    backbone = krp.ResBlockBackbone("bn", filters, **kwargs)
    backbone.save_to_preset(tmp_path / "preset")
    adapted(backbone).save_lora_weights(tmp_path / ADAPTER)
    loaded = krp.ResBlockBackbone.from_preset(tmp_path / "preset")
    load_quietly(loaded, tmp_path / ADAPTER)
    np.testing.assert_allclose(to_numpy(loaded(X)), to_numpy(backbone(X)), **TOLERANCE)


def test_a_backbone_loads_its_adapter(of_backbone):
    file, expected = of_backbone
    fresh, present = tiny_backbone(), adapted(tiny_backbone())
    for weight in present.trainable_weights:
        weight.assign(weight * 0.0)
    for backbone in (fresh, present):
        start = to_numpy(backbone(X))
        load_quietly(backbone, file)
        np.testing.assert_array_equal(to_numpy(backbone(X)), expected)
        assert np.abs(expected - start).max() > 0.01
        # Only LoRA learns.
        assert {w.name for w in backbone.trainable_weights} == {"lora_kernel_a", "lora_kernel_b"}


def test_a_classifier_loads_its_adapter_with_head_and_names(tmp_path):
    classifier = adapted(tiny_classifier())
    expected = to_numpy(classifier.predict_on_batch(X))
    classifier.save_lora_weights(tmp_path / "birds" / ADAPTER)
    other = tiny_classifier(class_names=None, num_classes=3)
    other.predict_on_batch(X)
    load_quietly(other, tmp_path / "birds")
    np.testing.assert_allclose(to_numpy(other.predict_on_batch(X)), expected, **TOLERANCE)
    assert other.class_names == CLASS_NAMES
    # Saving a preset merges LoRA.
    other.save_to_preset(tmp_path / "preset")
    whole = krp.ResBlockImageClassifier.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(to_numpy(whole.predict_on_batch(X)), expected, **TOLERANCE)
    assert not any("lora" in weight.path for weight in whole.weights)


def test_merging_is_as_precise_as_the_weights(tmp_path):
    backbone = adapted(tiny_backbone(dtype="mixed_bfloat16"))
    backbone.save_to_preset(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")["stem0_conv/kernel"]
    weights = values(backbone)
    a, b = (weights[f"stem0_conv/lora_kernel_{part}"] for part in "ab")
    # Rounded to float32 once or twice; bfloat16 would be 2⁻⁸ off.
    np.testing.assert_allclose(stored, weights["stem0_conv/kernel"] + a @ b, rtol=1e-6, atol=1e-6)


def test_adapters_that_do_not_fit_are_refused_and_change_nothing(of_backbone, tmp_path):
    file, _ = of_backbone
    classifier, few = tmp_path / "classifier.safetensors", tmp_path / "few.safetensors"
    adapted(tiny_classifier()).save_lora_weights(classifier)
    some = tiny_backbone()
    some.enable_lora(2, ["conv1"])
    some.save_lora_weights(few)
    two_classes = tiny_classifier(class_names=["cat", "dog"])
    for model, adapter, *words in (
        (tiny_backbone(filters=8), file, "stackwise_num_filters=[4, 6], not [4, 8]"),
        (tiny_backbone("preact"), file, "block_type='bn', not 'preact'"),
        (adapted(tiny_backbone(), rank=3), file, "LoRA of rank 2", "of rank 3"),
        (adapted(tiny_backbone()), few, "Missing: ", "stem0_conv/lora_kernel_a"),
        (some, file, "Unexpected: ", "stem0_conv/lora_kernel_a"),
        (tiny_classifier(), file, "Missing: predictions/bias, predictions/kernel"),
        (tiny_backbone(), classifier, "predictions/bias, predictions/kernel"),
        (two_classes, classifier, "predictions/kernel (6, 3) in place of (6, 2)"),
    ):
        before = values(model)
        assert_refused(lambda: model.load_lora_weights(adapter), *words)  # noqa: B023
        assert values(model).keys() == before.keys()
        for path, value in values(model).items():
            np.testing.assert_array_equal(value, before[path])


def test_an_adapter_of_some_layers_enables_lora_on_those(tmp_path):
    some = tiny_backbone()
    some.enable_lora(2, ["conv1"])
    some.save_lora_weights(tmp_path / ADAPTER)
    other = tiny_backbone()
    load_quietly(other, tmp_path)
    assert values(other).keys() == values(some).keys()


def test_damaged_and_foreign_files_are_refused(of_backbone, tmp_path):
    file, _ = of_backbone
    tensors, metadata = load_file(file), read_header(file).metadata
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(file.read_bytes()[:-8])
    huge = {**metadata, "rank": "1000000000"}
    for name, changed in (("huge", huge), ("zero", {**metadata, "rank": "0"}), ("none", {})):
        save_file(tensors, tmp_path / f"{name}.safetensors", changed)
    backbone = tiny_backbone()
    for name, words in (
        ("cut", "truncated or damaged"),
        ("huge", "Misshaped"),
        ("zero", "is not an adapter"),
        ("none", "is not an adapter"),
        ("missing", "`filepath` must be an adapter"),
    ):
        assert_refused(
            lambda: backbone.load_lora_weights(tmp_path / f"{name}.safetensors"),  # noqa: B023
            words,
        )
    assert not any("lora" in weight.path for weight in backbone.weights)


def test_other_base_weights_warn(of_backbone):
    file, _ = of_backbone
    other = tiny_backbone()
    other.get_layer("stem0_norm").moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    with pytest.warns(UserWarning, match="was trained on other weights"):
        other.load_lora_weights(file)


def test_invalid_saving_and_enabling(tmp_path):
    backbone = tiny_backbone()
    assert_refused(lambda: backbone.save_lora_weights(tmp_path / ADAPTER), "must have LoRA")
    assert_refused(lambda: backbone.enable_lora(2, ["conv9"]), "name some of conv1, conv2")
    assert_refused(lambda: backbone.enable_lora(0), "`rank` must be a positive integer")
    backbone.enable_lora(2)
    assert_refused(lambda: backbone.enable_lora(2), "be called once")
    assert_refused(lambda: backbone.save_lora_weights("x.lora.h5"), "must end in `.safetensors`")
    convolutions = [x for x in backbone._flatten_layers() if isinstance(x, keras.layers.Conv2D)]
    assert all(layer.lora_enabled for layer in convolutions)
