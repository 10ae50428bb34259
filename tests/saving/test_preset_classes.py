"""Classes and functions that a preset must not bring in."""

import keras
import pytest

import keras_resblocks_plugin as krp
from tests.saving.presets import LOADERS, change_json
from tests.tiny import (
    assert_refused,
    tiny_classifier,
)

CLASSES = {
    "Lambda": {"module": "keras.layers", "class_name": "Lambda", "config": {}},
    "Lambda under our name": {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {},
        "registered_name": "keras_resblocks_plugin>ResBlockBackbone",
    },
    "a lambda": {"class_name": "__lambda__", "config": {"value": ["4wEA", None, None]}},
    "a pickled torch module": {
        "module": "keras.layers",
        "class_name": "TorchModuleWrapper",
        "config": {},
    },
    "a saved function": {"module": "keras.layers", "class_name": "TFSMLayer", "config": {}},
    "os.system": {"module": "os", "class_name": "system", "config": {"command": "true"}},
    "a function of os": {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "function",
    },
    "a function of os by the name of a class": {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "keras_resblocks_plugin>ResBlockBackbone",
    },
    "a function of Keras' tools": {
        "module": "keras_evil.utils",
        "class_name": "function",
        "config": "get_file",
    },
    "a foreign class": {"module": "evil.layers", "class_name": "Layer", "config": {}},
    "an unknown registered class": {
        "module": "evil",
        "class_name": "Layer",
        "config": {},
        "registered_name": "evil>Layer",
    },
    "no module": {"class_name": "Layer", "config": {}},
    "a class that is no text": {"module": "keras", "class_name": ["Lambda"], "config": {}},
    "a module that is no text": {"module": {"a": 1}, "class_name": "Dense", "config": {}},
}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("config.json", lambda config: config["config"]["block_kwargs"]),
        ("task.json", lambda config: config["config"]["backbone"]["config"]["block_kwargs"]),
        ("task.json", lambda config: config["config"]["preprocessor"]["config"]),
        ("preprocessor.json", lambda config: config["config"]),
        ("image_converter.json", lambda config: config["config"]),
    ],
)
@pytest.mark.parametrize("hostile", CLASSES.values(), ids=CLASSES.keys())
def test_a_class_that_may_not_be_built(folder, name, place, hostile):
    change_json(folder / name, lambda config: place(config).update(activation=[{"deep": hostile}]))
    for load in LOADERS.values():
        assert_refused(
            lambda load=load: load(folder), f"`{folder / name}`", "may not be built", folder=folder
        )


@pytest.mark.parametrize(
    "cls", [krp.ResBlockImageConverter, krp.ResBlockImageClassifierPreprocessor]
)
def test_preprocessing_alone_is_checked_too(folder, cls):
    assert isinstance(cls.from_preset(str(folder)), cls)
    assert_refused(lambda: cls.from_preset("resblock_bn_smal"), "Closest names")
    hostile = CLASSES["os.system"]
    change_json(folder / "config.json", lambda config: config["config"].update(activation=hostile))
    assert_refused(lambda: cls.from_preset(str(folder)), "may not be built", folder=folder)


def test_functions_of_keras_and_of_the_user_may_be_built(tmp_path):
    @keras.saving.register_keras_serializable("tests_of_presets")
    def double(x):
        return 2 * x

    for activation in (keras.activations.softmax, double):
        tiny_classifier(activation=activation).save_to_preset(tmp_path)
        loaded = krp.ResBlockImageClassifier.from_preset(tmp_path)
        assert loaded.output_dense.activation is activation
