"""Names of presets."""

import json
import os
import shutil

import keras_hub
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._utils import _kerashub
from keras_resblocks_plugin.registry._registry import _bundled_folders
from tests.helpers import values
from tests.tiny import assert_refused, tiny_backbone


@pytest.fixture
def name():
    """A name that is forgotten again after the test."""
    yield "resblock_of_a_test"
    _kerashub.unregister_preset("resblock_of_a_test", krp.ResBlockBackbone)


def test_every_from_preset_knows_a_registered_name(folder, name, tmp_path, monkeypatch):
    # A relative folder is resolved when it is registered, not when it is loaded.
    monkeypatch.chdir(tmp_path)
    krp.register_preset(name, "preset")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    expected = values(tiny_backbone())
    for cls in (keras_hub.models.Backbone, krp.ResBlockBackbone):
        loaded = values(cls.from_preset(name))
        assert all((loaded[path] == expected[path]).all() for path in expected)
    for cls in (
        keras_hub.models.ImageClassifier,
        keras_hub.models.ImageClassifierPreprocessor,
        keras_hub.layers.ImageConverter,
        krp.ResBlockImageClassifier,
    ):
        assert type(cls.from_preset(name)).__name__.startswith("ResBlockImage")
        assert name in cls.presets
    assert name in krp.ResBlockBackbone.presets


def test_list_presets_says_where_each_is(folder, name):
    krp.register_preset(name, folder)
    assert krp.list_presets()[name] == {
        "source": "registered",
        "handle": os.fspath(folder),
        "parameters": tiny_backbone().count_params(),
    }


def test_a_name_may_be_given_to_another_preset(folder, name, tmp_path):
    krp.register_preset(name, folder)
    tiny_backbone("act").save_to_preset(tmp_path / "other")
    krp.register_preset(name, tmp_path / "other")
    assert krp.ResBlockBackbone.from_preset(name).block_type == "act"


def test_a_handle_is_not_looked_up_before_it_is_loaded(name):
    krp.register_preset(name, "hf://nobody/nothing")
    entry = krp.list_presets()[name]
    assert entry == {"source": "registered", "handle": "hf://nobody/nothing"}


@pytest.mark.parametrize("bad", ["", "a/b", "a\\b", "hf://a", "a:b", 3, None, ["a"]], ids=repr)
def test_a_name_that_is_none(folder, bad):
    assert_refused(
        lambda: krp.register_preset(bad, folder), "`name`", "plain name", f"Received: name={bad!r}"
    )


def test_a_name_that_keras_hub_has(folder):
    taken = "resnet_50_imagenet"
    before = keras_hub.models.Backbone.presets[taken]
    assert_refused(lambda: krp.register_preset(taken, folder), "`name`", "KerasHub has it", taken)
    assert keras_hub.models.Backbone.presets[taken] is before


def test_bundled_names_and_folders(folder):
    presets = krp.list_presets()
    assert "resblock_bn_small" in _bundled_folders()
    for name, path in _bundled_folders().items():
        assert presets[name]["source"] == "bundled"
        assert presets[name]["handle"] == os.fspath(path)
        assert_refused(lambda: krp.register_preset(name, folder), "`name`", name)  # noqa: B023


@pytest.mark.parametrize("missing", ["nowhere", "empty"])
def test_a_folder_that_is_no_preset(tmp_path, missing):
    (tmp_path / "empty").mkdir()
    before = krp.list_presets()
    assert_refused(
        lambda: krp.register_preset("resblock_of_a_test", tmp_path / missing),
        "`handle`",
        "config.json",
        missing,
    )
    assert krp.list_presets() == before


def test_a_folder_with_an_at_sign(folder, name, tmp_path):
    shutil.copytree(folder, tmp_path / "me@home")
    krp.register_preset(name, tmp_path / "me@home")
    loaded, expected = values(krp.ResBlockBackbone.from_preset(name)), values(tiny_backbone())
    assert all((loaded[path] == expected[path]).all() for path in expected)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"parameter_count": null'])
def test_damaged_metadata_is_no_trouble_until_the_preset_is_loaded(folder, name, text):
    (folder / "metadata.json").write_text(text)
    krp.register_preset(name, folder)
    assert "parameters" not in krp.list_presets()[name]


def test_an_unknown_name_lists_the_closest(folder):
    krp.register_preset("resblock_of_a_test", folder)
    try:
        for cls in (krp.ResBlockBackbone, krp.ResBlockImageClassifier):
            assert_refused(
                lambda cls=cls: cls.from_preset("resblok_of_a_tets"),
                "`preset`",
                "'resblock_of_a_test'",
                "Received: preset='resblok_of_a_tets'",
            )
    finally:
        _kerashub.unregister_preset("resblock_of_a_test", krp.ResBlockBackbone)


def test_metadata_has_the_number_of_parameters(folder):
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["parameter_count"] == tiny_backbone().count_params()
