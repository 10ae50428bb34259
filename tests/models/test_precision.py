"""Precision and quantization of presets, also through KerasHub's own loaders."""

import json

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.blocks.user_block import GatedResidualBlock
from tests.helpers import TOLERANCE, images, to_numpy, values
from tests.tiny import assert_refused, photos, predict, tiny_backbone, tiny_classifier

LOADERS = {
    "stock": keras_hub.models.ImageClassifier.from_preset,
    "own": krp.ResBlockImageClassifier.from_preset,
}
load_with = pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)


@load_with
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_mixed_classifier_loads_with_its_policy(policy, load, tmp_path):
    tiny_classifier().save_to_preset(tmp_path / "start")
    classifier = load(str(tmp_path / "start"), dtype=policy)
    for generation in ("first", "second"):
        classifier.save_to_preset(tmp_path / generation)
        loaded = load(str(tmp_path / generation))
        assert loaded.backbone.dtype_policy.name == loaded.output_dense.dtype_policy.name == policy
        np.testing.assert_array_equal(predict(loaded, photos()), predict(classifier, photos()))
        assert loaded.backbone.get_config() == classifier.backbone.get_config()
        classifier = loaded
    # An argument takes precedence.
    assert load(str(tmp_path / "first"), dtype="float32").backbone.dtype_policy.name == "float32"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_an_older_mixed_preset_loads(policy, tmp_path):
    """Older presets have the policy without a map, which stock KerasHub refuses."""
    classifier = tiny_classifier(tiny_backbone(dtype=policy))
    classifier.save_to_preset(tmp_path)
    for name in ("config.json", "task.json"):
        config = json.loads((tmp_path / name).read_text())
        backbone = config["config"].get("backbone", config)
        backbone["config"]["dtype"] = keras.dtype_policies.serialize(keras.DTypePolicy(policy))
        (tmp_path / name).write_text(json.dumps(config))
    loaded = krp.ResBlockImageClassifier.from_preset(tmp_path)
    np.testing.assert_array_equal(predict(loaded, photos()), predict(classifier, photos()))
    assert krp.ResBlockBackbone.from_preset(tmp_path).dtype_policy.name == policy


@load_with
@pytest.mark.parametrize("policy", ["float32", "float16", "bfloat16"])
def test_a_plain_dtype_becomes_the_default(policy, load, tmp_path):
    classifier = tiny_classifier(tiny_backbone(dtype=policy))
    classifier.save_to_preset(tmp_path)
    assert load(str(tmp_path)).backbone.dtype_policy == keras.config.dtype_policy()
    assert load(str(tmp_path), dtype=policy).backbone.dtype_policy.name == policy


@load_with
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_quantized_classifier_predicts_the_same_after_loading(policy, mode, load, tmp_path):
    classifier = tiny_classifier(tiny_backbone(dtype=policy))
    classifier.quantize(mode)
    expected = predict(classifier, photos())
    classifier.save_to_preset(tmp_path / "preset")
    loaded = load(str(tmp_path / "preset"))
    assert loaded.output_dense.quantization_mode == mode
    np.testing.assert_array_equal(predict(loaded, photos()), expected)
    classifier.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(predict(loaded, photos()), expected)


def test_saving_a_quantized_backbone_as_a_preset_is_refused(tmp_path):
    backbone = tiny_backbone(GatedResidualBlock, block_kwargs={"reduction": 1})
    backbone.quantize("int8")
    assert_refused(
        lambda: backbone.save_to_preset(tmp_path / "preset"),
        "`save_to_preset()` needs a backbone with weights of a float dtype",
        "`.keras`",
        "stack0_block0/squeeze/kernel",
        folder=tmp_path,
    )
    x = images(2, 16, 16, 3)
    backbone.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(backbone(x)))


def test_float64_stays_float64(tmp_path, fresh_process):
    # In its own process: JAX enables float64 only at its start.
    fresh_process(FLOAT64, tmp_path / "preset", JAX_ENABLE_X64="1")


FLOAT64 = """
import sys
import keras, keras_hub
import numpy as np
import keras_resblocks_plugin as krp
from tests.tiny import tiny_classifier, tiny_backbone, photos

classifier = tiny_classifier(tiny_backbone(dtype="float64"))
for weight in classifier.weights:
    # float32 cannot represent these values.
    weight.assign(keras.ops.convert_to_numpy(weight) + 2.0**-40)
expected = classifier.predict(photos(), verbose=0)
classifier.save_to_preset(sys.argv[1])
for load in (keras_hub.models.ImageClassifier.from_preset, krp.ResBlockImageClassifier.from_preset):
    loaded = load(sys.argv[1], dtype="float64")
    for left, right in zip(classifier.backbone.weights, loaded.backbone.weights, strict=True):
        assert right.dtype == "float64"
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (left, right)))
    np.testing.assert_array_equal(loaded.predict(photos(), verbose=0), expected)
    rounded = load(sys.argv[1])
    assert {weight.dtype for weight in rounded.backbone.weights} == {"float32"}
    # Seven layers of float32, outputs of order 1.
    np.testing.assert_allclose(rounded.predict(photos(), verbose=0), expected, atol=1e-5)
krp.freeze(classifier, "lora")
before = {w.path: keras.ops.convert_to_numpy(w) for w in classifier.backbone.weights}
classifier.save_to_preset(sys.argv[1])
merged = krp.ResBlockBackbone.from_preset(sys.argv[1], dtype="float64")
for weight in merged.weights:
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), before[weight.path])
"""


@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_an_adapter_with_a_quantized_head_can_be_read(mode, tmp_path):
    def with_lora():
        classifier = tiny_classifier()
        krp.freeze(classifier, "lora", rank=2)
        classifier.output_dense.quantize(mode)
        return classifier

    classifier, other = with_lora(), with_lora()
    for weight in classifier.backbone.weights:
        if weight.name == "lora_kernel_b":
            weight.assign(keras.random.normal(weight.shape, stddev=0.1, seed=1))
    classifier.output_dense.bias.assign([1.0, 2.0, 3.0])
    classifier.save_lora_weights(tmp_path / "adapter.safetensors")
    other.load_lora_weights(tmp_path / "adapter.safetensors")
    assert values(other).keys() == values(classifier).keys()
    np.testing.assert_allclose(to_numpy(other(X)), to_numpy(classifier(X)), **TOLERANCE)
    assert_refused(
        lambda: tiny_classifier().load_lora_weights(tmp_path / "adapter.safetensors"),
        "predictions/kernel_scale",
    )


X = images(2, 16, 16, 3)
