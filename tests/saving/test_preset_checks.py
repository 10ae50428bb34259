"""Preset folders that are damaged, or that were made to do harm."""

import pickle
import shutil

import h5py
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.saving.presets import change_json, check_preset
from tests.tiny import (
    assert_refused,
    tiny_backbone,
)


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
    change_json(
        folder / "task.json", lambda config: config["config"].update(class_names=list("abcd"))
    )
    assert_refused(
        lambda: keras_hub.models.ImageClassifier.from_preset(str(folder)),
        f"`{folder / 'task.weights.h5'}`",
        "4 classes",
        folder=folder,
    )


def test_a_folder_that_is_no_preset(tmp_path, load):
    assert_refused(lambda: load(tmp_path), f"`{tmp_path / 'config.json'}` is missing")
