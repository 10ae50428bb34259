"""Preset folders that are damaged, or that were made to do harm."""

import json
import pickle
import shutil

import h5py
import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from tests.tiny import assert_refused, tiny_backbone, tiny_classifier


def check_preset(folder):
    PresetFolder(folder).check()


LOADERS = {
    "check_preset": check_preset,
    "ResBlockBackbone": krp.ResBlockBackbone.from_preset,
    "ResBlockImageClassifier": krp.ResBlockImageClassifier.from_preset,
}


@pytest.fixture(params=LOADERS.values(), ids=LOADERS.keys())
def load(request):
    return request.param


def edit(file, change):
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config))


def test_a_sound_preset_passes(folder, load):
    (folder / "README.md").write_text("card")
    (folder / "samples").mkdir()
    (folder / "samples" / "cat.jpg").write_bytes(b"photo")
    load(folder)


@pytest.mark.parametrize(
    "name",
    ["config.json", "metadata.json", "model.safetensors", "model.weights.json", "task.weights.h5"],
)
def test_a_missing_file(folder, load, name):
    (folder / name).unlink()
    assert_refused(lambda: load(folder), f"`{folder / name}` is missing", folder=folder)


@pytest.mark.parametrize(
    "name",
    ["config.json", "metadata.json", "task.json", "preprocessor.json", "image_converter.json"],
)
@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "\xff\xfe", "[" * 100_000])
def test_broken_json(folder, name, text):
    (folder / name).write_bytes(text.encode("latin-1"))
    assert_refused(lambda: check_preset(folder), f"`{folder / name}`", "JSON", folder=folder)


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
    edit(folder / name, lambda config: place(config).update(activation=[{"deep": hostile}]))
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
    edit(folder / "config.json", lambda config: config["config"].update(activation=hostile))
    assert_refused(lambda: cls.from_preset(str(folder)), "may not be built", folder=folder)


def test_functions_of_keras_and_of_the_user_may_be_built(tmp_path):
    @keras.saving.register_keras_serializable("tests_of_presets")
    def double(x):
        return 2 * x

    for activation in (keras.activations.softmax, double):
        tiny_classifier(activation=activation).save_to_preset(tmp_path)
        krp.ResBlockImageClassifier.from_preset(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "model.weights.h5",
        "second.safetensors",
        "pytorch_model.bin",
        "modeling.py",
        "samples/hidden.PY",
        "weights.pkl",
        "lib.so",
        "other.weights.h5",
    ],
)
def test_a_weights_or_code_file_that_no_index_lists(folder, load, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"anything")
    assert_refused(
        lambda: load(folder), f"`{folder / name}`", "no index lists", "Remove it", folder=folder
    )


def test_stock_loading_refuses_code_in_the_folder_too(folder):
    (folder / "modeling.py").write_text("")
    for cls in (keras_hub.models.Backbone, keras_hub.models.ImageClassifier):
        assert_refused(lambda cls=cls: cls.from_preset(str(folder)), "modeling.py", folder=folder)


def test_a_preset_of_another_class(tmp_path):
    backbone = keras_hub.models.ResNetBackbone([64], [7], [64], [1], [1], "basic_block")
    backbone.save_to_preset(str(tmp_path))
    assert_refused(
        lambda: krp.ResBlockBackbone.from_preset(tmp_path),
        f"`{tmp_path / 'config.json'}`",
        "ResBlockBackbone",
        "Received: registered_name='keras_hub>ResNetBackbone'",
        folder=tmp_path,
    )


@pytest.mark.parametrize(
    "cls", [keras_hub.models.Backbone, krp.ResBlockBackbone, krp.ResBlockImageClassifier]
)
def test_weights_of_another_architecture(folder, tmp_path, cls):
    tiny_backbone("act").save_to_preset(tmp_path / "other")
    for name in ("model.safetensors", "model.weights.json"):
        shutil.copy(tmp_path / "other" / name, folder / name)
    assert_refused(
        lambda: cls.from_preset(str(folder)),
        str(folder),
        "another architecture",
        "Missing: stack0_block0/norm1/beta",
        "stack0_block0/conv1/bias",
        folder=folder,
    )


def truncated(file):
    file.write_bytes(file.read_bytes()[:9000])


def a_pickle(file):
    file.write_bytes(pickle.dumps([1]))


def huge(file):
    with h5py.File(file, "w") as store:
        store.create_dataset("layers/dense/vars/0", (1 << 40,), "f4", chunks=(1 << 20,))


def compressed(file):
    with h5py.File(file, "w") as store:
        zeros = np.zeros((1 << 20,), "f4")
        store.create_dataset("layers/dense/vars/0", data=zeros, compression="gzip")


def linked(file):
    shutil.copy(file, file.parent.parent / "elsewhere.h5")
    with h5py.File(file, "w") as store:
        store["layers"] = h5py.ExternalLink("../elsewhere.h5", "/layers")


def outside(file):
    raw = file.parent.parent / "raw"
    raw.write_bytes(bytes(72))
    with h5py.File(file, "w") as store:
        store.create_dataset("layers/dense/vars/0", (6, 3), "f4", external=[(str(raw), 0, 72)])


@pytest.mark.parametrize("damage", [truncated, a_pickle, huge, compressed, linked, outside])
@pytest.mark.parametrize(
    "cls", [keras_hub.models.ImageClassifier, krp.ResBlockImageClassifier], ids=["stock", "krp"]
)
def test_a_damaged_head(folder, damage, cls):
    file = folder / "task.weights.h5"
    damage(file)
    assert_refused(
        lambda: cls.from_preset(str(folder)), f"`{file}`", "plain HDF5 file", folder=folder
    )


def test_a_head_of_other_classes(folder):
    edit(folder / "task.json", lambda config: config["config"].update(class_names=list("abcd")))
    assert_refused(
        lambda: keras_hub.models.ImageClassifier.from_preset(str(folder)),
        f"`{folder / 'task.weights.h5'}`",
        "4 classes",
        folder=folder,
    )


def test_a_folder_that_is_no_preset(tmp_path, load):
    assert_refused(lambda: load(tmp_path), f"`{tmp_path / 'config.json'}` is missing")
