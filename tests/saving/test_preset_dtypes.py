"""Dtypes, activations and numbers in configs, when loading and when saving."""

import shutil

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import to_numpy
from tests.saving.presets import check_preset, edit
from tests.tiny import (
    assert_refused,
    photos,
    predict,
    tiny_backbone,
    tiny_classifier,
)

DTYPES = ["int32", "bool", "string", "complex64", "float8", "mixed_int8"]


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize(
    ("file", "place"), [("config.json", "config.dtype"), ("task.json", "config.head_dtype")]
)
def test_a_precision_in_which_no_image_can_be_read(folder, file, place, name):
    policy = {"module": "keras", "class_name": "DTypePolicy", "registered_name": None}
    edit(folder / file, place, {**policy, "config": {"name": name}})
    assert_refused(lambda: check_preset(folder), place, name, f"`{folder / file}`")
    tree = {"default_policy": name, "policy_map": {}}
    edit(folder / file, place, {**policy, "class_name": "DTypePolicyMap", "config": tree})
    assert_refused(lambda: check_preset(folder), place, name, f"`{folder / file}`")
    edit(folder / file, place, name)
    assert_refused(lambda: check_preset(folder), place, name, f"`{folder / file}`")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"class_names": [1, 2, 3]}, "class_names"),
        ({"name": "a>b"}, "name"),
        ({"preprocessor": keras.Sequential([keras.layers.Rescaling(1 / 255)])}, "preprocessor"),
        ({"preprocessor": lambda x: x}, "preprocessor"),
    ],
)
def test_what_could_not_be_loaded_is_refused_when_it_is_saved(saved_preset, tmp_path, options, key):
    folder = shutil.copytree(saved_preset, tmp_path / "kept")
    classifier = tiny_classifier(**options)
    assert_refused(lambda: classifier.save_to_preset(folder), key, folder=folder)


@pytest.mark.parametrize("activation", [keras.layers.Softmax(), keras.layers.LeakyReLU(0.1)])
def test_layers_as_activations(tmp_path, activation):
    backbone = tiny_backbone(block_kwargs={"activation": activation})
    backbone.save_to_preset(tmp_path)
    loaded = krp.ResBlockBackbone.from_preset(tmp_path)
    x = photos()
    assert (to_numpy(loaded(x)) == to_numpy(backbone(x))).all()
    resizing = keras.saving.serialize_keras_object(keras.layers.Resizing(8, 8))
    edit(tmp_path / "config.json", "config.block_kwargs", {"activation": resizing})
    assert_refused(lambda: check_preset(tmp_path), "activation", str(tmp_path / "config.json"))


def test_numpy_numbers_of_a_converter(tmp_path):
    scale = np.array([0.5, 0.25, 0.125], "float32")
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=scale, offset=np.float64(1))
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    classifier = tiny_classifier(preprocessor=preprocessor)
    classifier.save_to_preset(tmp_path)
    loaded = krp.ResBlockImageClassifier.from_preset(tmp_path)
    assert loaded.preprocessor.image_converter.scale == [0.5, 0.25, 0.125]
    assert (predict(loaded, photos()) == predict(classifier, photos())).all()
