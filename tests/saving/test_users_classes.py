"""Classes that a preset names, of the user and of KerasHub."""

import keras
import pytest

import keras_resblocks_plugin as krp
from tests.saving.presets import check_preset, edit
from tests.tiny import (
    assert_refused,
    tiny_backbone,
    tiny_classifier,
)


@pytest.mark.parametrize(
    ("module", "name", "registered"),
    [
        ("keras.layers", "Dense", None),
        ("keras.layers", "StringLookup", None),
        ("keras.utils", "get_file", None),
        ("keras.saving", "load_model", None),
        ("keras.models", "Sequential", None),
        ("keras_hub.src.models.bert", "BertTokenizer", "keras_hub>BertTokenizer"),
        ("keras_hub.models", "ResNetBackbone", "keras_hub>ResNetBackbone"),
        (None, "SymmetricConv2D", "keras_resblocks_plugin>SymmetricConv2D"),
    ],
)
def test_classes_that_no_task_of_this_package_saves(folder, module, name, registered):
    hostile = {"module": module, "class_name": name, "config": {}, "registered_name": registered}
    edit(folder / "config.json", "config.block_kwargs", {"activation": hostile})
    assert_refused(lambda: check_preset(folder), "may not be built", str(folder / "config.json"))


@keras.saving.register_keras_serializable("tests_of_schemas")
class ScaledBlock(krp.blocks.BatchNormResidualBlock):
    """A block with an argument of its own, and no schema."""

    def __init__(self, filters, *args, factor=1.0, **kwargs):
        super().__init__(filters, *args, **kwargs)
        self.factor = factor

    def residual(self, x, training=None):
        return self.factor * super().residual(x, training)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("tests_of_schemas")
class CheckedBlock(ScaledBlock):
    """The same with a schema."""

    @classmethod
    def config_schema(cls, config):
        schema = super().config_schema(config)
        schema["properties"]["factor"] = {"type": "number", "minimum": 0}
        return schema


def test_a_users_block_is_built_from_any_config_unless_it_brings_a_schema(tmp_path):
    for cls, refused in ((ScaledBlock, ()), (CheckedBlock, ({"factor": -1.0}, {"fcator": 1.0}))):
        folder = tmp_path / cls.__name__
        backbone = tiny_backbone(cls, block_kwargs={"factor": 0.5})
        backbone.save_to_preset(folder)
        loaded = krp.ResBlockBackbone.from_preset(folder)
        assert loaded.block_kwargs == {"factor": 0.5}
        for block_kwargs in ({"kernel_size": "3"}, *refused):
            edit(folder / "config.json", "config.block_kwargs", block_kwargs)
            key = next(iter(block_kwargs))
            assert_refused(lambda: check_preset(folder), key, str(folder / "config.json"))  # noqa: B023


def test_classes_of_the_users_anywhere(tmp_path):
    @keras.saving.register_keras_serializable("tests_of_schemas")
    class Converter(keras.layers.Layer):
        def call(self, inputs):
            return inputs / 255

    try:
        classifier = tiny_classifier(preprocessor=Converter())
        classifier.save_to_preset(tmp_path / "preset")
        edit(tmp_path / "preset" / "config.json", "config.block_kwargs", {"activation": "relu"})
        check_preset(tmp_path / "preset")
    finally:
        keras.saving.get_custom_objects().pop("tests_of_schemas>Converter")
