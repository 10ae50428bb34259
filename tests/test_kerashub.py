"""KerasHub's private API that this package uses. A failure means that KerasHub has changed it."""

import inspect

import keras_hub
from keras_hub.src.models import feature_pyramid_backbone
from keras_hub.src.utils import preset_utils

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils import _kerashub
from tests.helpers import values
from tests.tiny import tiny_backbone, tiny_classifier


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_signatures():
    assert parameters(preset_utils.register_presets) == ["presets", "backbone_cls"]
    assert parameters(preset_utils.get_file) == ["preset", "path"]
    assert parameters(preset_utils.get_preset_saver) == ["preset"]
    saver = preset_utils.KerasPresetSaver
    assert parameters(saver._save_serialized_object) == ["self", "layer", "config_file"]
    assert parameters(saver._save_metadata) == ["self", "layer"]


def test_names_of_files():
    assert preset_utils.CONFIG_FILE == "config.json"
    assert preset_utils.METADATA_FILE == "metadata.json"
    assert preset_utils.TASK_CONFIG_FILE == "task.json"
    assert preset_utils.TASK_WEIGHTS_FILE == "task.weights.h5"
    assert preset_utils.PREPROCESSOR_CONFIG_FILE == "preprocessor.json"
    assert preset_utils.IMAGE_CONVERTER_CONFIG_FILE == "image_converter.json"
    assert preset_utils.SHARDED_MODEL_WEIGHTS_CONFIG_FILE == "model.weights.json"


def test_the_backbone_class_is_the_exported_one():
    base = feature_pyramid_backbone.FeaturePyramidBackbone
    assert base is _kerashub.FeaturePyramidBackbone
    assert issubclass(krp.ResBlockBackbone, base)
    assert issubclass(base, keras_hub.models.Backbone)


def test_a_name_resolves_to_a_local_folder_under_the_key_kaggle_handle(tmp_path):
    name = "resblock_of_a_test"
    backbone = tiny_backbone()
    backbone.save_to_preset(tmp_path)
    assert name not in _kerashub.builtin_preset_names()
    preset_utils.register_presets(
        {name: {"metadata": {}, "kaggle_handle": str(tmp_path)}}, krp.ResBlockBackbone
    )
    try:
        assert preset_utils.get_file(name, "config.json") == str(tmp_path / "config.json")
        assert name in keras_hub.models.Backbone.presets
        assert name in keras_hub.models.ImageClassifier.presets
        assert name in _kerashub.builtin_preset_names()
        loaded = values(keras_hub.models.Backbone.from_preset(name))
        assert loaded.keys() == values(backbone).keys()
    finally:
        _kerashub.unregister_preset(name, krp.ResBlockBackbone)
    assert name not in keras_hub.models.ImageClassifier.presets


def test_keras_hub_fetches_the_index_and_the_files_it_names(tmp_path, monkeypatch):
    tiny_classifier().save_to_preset(tmp_path)
    asked = []
    get_file = preset_utils.get_file

    def record(preset, path):
        asked.append(path)
        return get_file(preset, path)

    # The real function, watched. A repository on the Hub needs these files.
    monkeypatch.setattr(preset_utils, "get_file", record)
    keras_hub.models.ImageClassifier.from_preset(str(tmp_path))
    assert set(asked) == {
        "config.json",
        "task.json",
        "task.weights.h5",
        "model.weights.h5",
        "model.weights.json",
        "model.safetensors",
    }


def test_one_class_a_task():
    # KerasHub picks from a set: with two classes, the choice would be random.
    for base in (
        keras_hub.models.ImageClassifier,
        keras_hub.models.ImageClassifierPreprocessor,
        keras_hub.layers.ImageConverter,
    ):
        found = [
            cls
            for cls in preset_utils.list_subclasses(base)
            if cls.backbone_cls is krp.ResBlockBackbone
        ]
        assert len(set(found)) == 1
