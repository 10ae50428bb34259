"""Paths that users give, wherever the package takes one."""

import pathlib

import keras
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import values
from tests.tiny import assert_refused, photos, tiny_backbone, tiny_classifier


def saving(place):
    """Everything that writes to a place, as `(argument, call)`."""
    classifier = tiny_classifier()
    adapted = tiny_classifier()
    krp.freeze(adapted, "lora")
    preprocessor = classifier.preprocessor
    return [
        ("preset_dir", lambda: classifier.save_to_preset(f"{place}/classifier")),
        ("preset_dir", lambda: classifier.backbone.save_to_preset(f"{place}/backbone")),
        ("preset_dir", lambda: preprocessor.save_to_preset(f"{place}/preprocessor")),
        ("preset_dir", lambda: preprocessor.image_converter.save_to_preset(f"{place}/converter")),
        ("filepath", lambda: adapted.save_lora_weights(f"{place}/birds/adapter.safetensors")),
        ("filepath", lambda: adapted.backbone.save_lora_weights(f"{place}/adapter.safetensors")),
        ("folder", lambda: krp.PushToHub("hf://me/mine", f"{place}/pushed", token="hf_x").folder),
        ("log_dir", lambda: krp.ResidualDiagnostics(photos(), f"{place}/logs").log_dir),
    ]


@pytest.mark.parametrize("url", ["gs://bucket", "s3://bucket", "hf://me/mine", "https://a.b"])
def test_a_url_is_no_folder(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (url, pathlib.Path(url)):
        for argument, save in saving(place):
            fix = "krp.push_to_hub" if "hf" in url else "own tools"
            assert_refused(save, f"`{argument}` must be a path on this machine", fix)
    assert_refused(
        lambda: krp.convert.to_timm(tiny_classifier(), f"{url}/timm"), "`folder` must be a path"
    )
    if not url.startswith("hf"):
        assert_refused(lambda: krp.register_preset("resblock_of_a_test", url), "`handle` must be")
        assert_refused(lambda: tiny_backbone().load_lora_weights(url), "`filepath` must be")
    assert list(tmp_path.iterdir()) == []


def test_a_tilde_is_the_users_home(tmp_path, monkeypatch):
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(work)
    assert [result for _, save in saving("~") if (result := save())] == [
        home / "pushed",
        home / "logs",
    ]
    assert {path.name for path in home.iterdir()} == {
        "classifier",
        "backbone",
        "preprocessor",
        "converter",
        "birds",
        "adapter.safetensors",
    }
    classifier = krp.ResBlockImageClassifier.from_preset("~/classifier")
    krp.ResBlockBackbone.from_preset("~/backbone")
    krp.ResBlockImageClassifierPreprocessor.from_preset("~/classifier")
    krp.ResBlockImageConverter.from_preset("~/classifier")
    classifier.load_lora_weights("~/birds")
    classifier.backbone.load_lora_weights("~/adapter.safetensors")
    krp.register_preset("resblock_of_a_test", "~/classifier")
    krp.ResBlockBackbone.from_preset("resblock_of_a_test")
    krp.unregister_preset("resblock_of_a_test")
    assert list(work.iterdir()) == []


def test_sharded_weights_of_keras_are_told_from_a_preset(tmp_path):
    backbone, other = tiny_backbone(), tiny_backbone()
    for weight in other.weights:
        weight.assign(keras.ops.zeros(weight.shape))
    file = tmp_path / "model.weights.json"
    backbone.save_weights(file, max_shard_size=3e-6)
    assert len(list(tmp_path.glob("*.h5"))) > 1
    other.load_weights(file)
    for path, value in values(backbone).items():
        assert (values(other)[path] == value).all()
    # An index of this package under another name is still one.
    backbone.save_to_preset(tmp_path / "preset")
    index = tmp_path / "preset" / "model.weights.json"
    index.rename(index.with_name("other.weights.json"))
    other.load_weights(index.with_name("other.weights.json"))
