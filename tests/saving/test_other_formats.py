"""`from_preset` on what it cannot read names the function that can."""

import json

import keras_hub
import numpy as np
import pytest
import safetensors.numpy

import keras_resblocks_plugin as krp
from tests.tiny import assert_refused, tiny_backbone, tiny_classifier

CLASSES = (krp.ResBlockBackbone, krp.ResBlockImageClassifier, krp.ResBlockImageConverter)


def refused(preset, *parts, folder=None):
    for cls in CLASSES:
        assert_refused(lambda cls=cls: cls.from_preset(preset), *parts, folder=folder)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("resnet50-11ad3fa6.pth", "krp.convert.from_timm("),
        ("model.safetensors", "krp.convert.from_timm("),
        ("pytorch_model.bin", "krp.convert.from_timm("),
        ("resnet50_weights_tf_dim_ordering.h5", "krp.convert.from_keras_applications("),
        ("model.keras", "keras.saving.load_model("),
    ],
)
def test_a_file(tmp_path, name, function):
    file = tmp_path / name
    file.write_bytes(b"anything")
    refused(file, "`preset` is a", f"{function}{str(file)!r})", str(file), folder=tmp_path)
    # The same file in a folder.
    refused(tmp_path, "a folder of weights without a `config.json`", f"{function}{str(file)!r})")


def test_a_preset_of_keras_hub(tmp_path):
    refused("resnet_50_imagenet", "a preset of KerasHub", "krp.convert.from_keras_hub()")
    resnet = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
    )
    resnet.save_to_preset(tmp_path)
    refused(tmp_path, "must describe a `ResBlockBackbone`", "krp.convert.from_keras_hub()")


def test_a_model_of_transformers(tmp_path):
    config = {"architectures": ["ResNetForImageClassification"], "model_type": "resnet"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    tensors = {"classifier.1.bias": np.zeros(3, "float32")}
    safetensors.numpy.save_file(tensors, tmp_path / "model.safetensors")
    refused(tmp_path, "a model of the library `transformers`", "hf://timm/")


def test_an_adapter(tmp_path):
    classifier = tiny_classifier()
    krp.freeze(classifier, "lora")
    classifier.save_lora_weights(tmp_path / "adapter.safetensors")
    refused(tmp_path, "an adapter", "load_lora_weights()")


def test_a_repository_without_hf(tmp_path):
    refused("timm/resnet50.a1_in1k", "load `hf://timm/resnet50.a1_in1k`")


def test_a_preset_without_its_index_is_said_as_before(tmp_path):
    tiny_backbone().save_to_preset(tmp_path)
    (tmp_path / "model.weights.json").unlink()
    refused(tmp_path, "model.weights.json` is missing", folder=tmp_path)
