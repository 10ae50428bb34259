"""LoRA in the files of Keras, in copies, and merged in presets."""

import warnings

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.layers import SymmetricConv2D
from keras_resblocks_plugin.lora import lora_layers
from tests.helpers import TOLERANCE, images, to_numpy
from tests.tiny import tiny_backbone
from tests.transforms.frozen import HEAD, X, learnable, moving, tiny_classifier


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


def test_an_adapter_loads_into_a_frozen_backbone(tmp_path):
    trained, other = tiny_backbone(), tiny_backbone()
    krp.freeze(trained, "lora", rank=2)
    for layer in lora_layers(trained):
        # It starts at zero.
        layer.lora_kernel_b.assign(layer.lora_kernel_b + 0.1)
    trained.save_lora_weights(tmp_path / "adapter.safetensors")
    krp.freeze(other, "linear")
    # The second time there is LoRA already.
    for _ in range(2):
        other.load_lora_weights(tmp_path / "adapter.safetensors")
        for layer, expected in zip(lora_layers(other), lora_layers(trained), strict=True):
            for name in ("lora_kernel_a", "lora_kernel_b"):
                np.testing.assert_array_equal(
                    to_numpy(getattr(layer, name)), to_numpy(getattr(expected, name))
                )


@pytest.mark.parametrize(("saved", "own"), [(5.0, 2.0), (2.0, 5.0), (5.0, 5.0), (2.0, 2.0)])
def test_lora_of_another_alpha_computes_the_same(saved, own, tmp_path):
    def model_with(alpha):
        model = keras.Sequential([keras.Input((5, 5, 3)), SymmetricConv2D(4, 3, name="conv")])
        model.get_layer("conv").enable_lora(2, lora_alpha=alpha)
        return model

    model, other = model_with(saved), model_with(own)
    for weight in model.weights:
        weight.assign(keras.random.normal(weight.shape, seed=1))
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    x = images(2, 5, 5, 3)
    # LoRA is rounded once more; outputs are of order 10.
    np.testing.assert_allclose(to_numpy(other(x)), to_numpy(model(x)), rtol=1e-5, atol=1e-4)
    assert other.get_layer("conv").lora_alpha == own
    assert np.abs(to_numpy(other.get_layer("conv").lora_kernel_b)).max() > 0.1
