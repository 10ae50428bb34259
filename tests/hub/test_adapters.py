"""Pushing an adapter without its preset, and loading it by its handle."""

import numpy as np
import pytest
from huggingface_hub import ModelCard

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils._safetensors import read_header, write_file
from tests.helpers import images, to_numpy
from tests.hub.outcomes import contents, on_hub
from tests.tiny import assert_refused

X = images(2, 8, 8, 3)


@pytest.fixture
def adapter(preset, tmp_path):
    """The folder of an adapter, and the outputs of the preset with it."""
    classifier = krp.ResBlockImageClassifier.from_preset(preset, preprocessor=None)
    krp.freeze(classifier, "lora", rank=2)
    rng = np.random.default_rng(0)
    for weight in classifier.trainable_weights:
        weight.assign(rng.normal(size=tuple(weight.shape)).astype("float32"))
    classifier.save_lora_weights(tmp_path / "birds" / "adapter.safetensors")
    return tmp_path / "birds", to_numpy(classifier(X))


def test_an_adapter_is_pushed_alone_and_loaded_by_its_handle(hub, preset, adapter):
    folder, expected = adapter
    pushed = krp.push_to_hub(folder, "hf://user/birds")
    assert on_hub(hub, "user/birds") == contents(folder)
    assert pushed.load_line == 'model.load_lora_weights("hf://user/birds")'
    model = krp.ResBlockImageClassifier.from_preset(preset, num_classes=3)
    eval(pushed.load_line, {"model": model})
    np.testing.assert_allclose(to_numpy(model(X)), expected, rtol=1e-6, atol=1e-6)
    assert model.class_names == ["cat", "dog", "tree"]
    card = ModelCard.load("user/birds")
    assert {"lora", "keras"} <= set(card.data.tags)
    assert pushed.load_line in card.text
    assert "num_classes=3" in card.text
    # A second push sends nothing.
    assert krp.push_to_hub(folder, "hf://user/birds").changed == ()


def test_an_adapter_and_a_preset_do_not_replace_each_other(hub, preset, adapter):
    folder, _ = adapter
    krp.push_to_hub(preset, "hf://user/name")
    assert_refused(lambda: krp.push_to_hub(folder, "hf://user/name"), "model.safetensors")
    krp.push_to_hub(folder, "hf://user/birds")
    assert_refused(lambda: krp.push_to_hub(preset, "hf://user/birds"), "adapter.safetensors")


def test_an_unusable_adapter_is_not_pushed(hub, adapter, tmp_path):
    folder, _ = adapter
    file = folder / "adapter.safetensors"
    write_file(file, {"a/lora_kernel_a": np.array([np.nan], "float32")}, read_header(file).metadata)
    assert_refused(lambda: krp.push_to_hub(folder, "hf://user/birds"), "Not finite: a/lora")
    (folder / "more.safetensors").write_bytes(file.read_bytes())
    write_file(file, {"a/lora_kernel_a": np.array([1.0], "float32")}, read_header(file).metadata)
    assert_refused(lambda: krp.push_to_hub(folder, "hf://user/birds"), "more.safetensors")
    assert not hub.repos
