"""`pull_from_hub` of timm's repositories: a preset with source, license and card."""

import json

import keras_hub
import numpy as np
import pytest
from huggingface_hub import ModelCard

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.helpers import assert_same_values
from tests.hub.test_from_timm import (  # noqa: F401
    HANDLE,
    change_config,
    downloaded,
    model,
    repository,
    timm_folder,
)
from tests.hub.test_scripts import script  # noqa: F401
from tests.tiny import CLASS_NAMES, PRESET_FILES, photos, predict

CARD = b"---\nlicense: cc-by-nc-4.0\n---\n# resnet18\n"


@pytest.fixture
def licensed(repository):  # noqa: F811
    """The repository with a card."""
    repository.edit({"README.md": CARD})
    return repository


@pytest.fixture
def pulled(hub, licensed):
    yield krp.pull_from_hub(HANDLE, name="mine")
    krp.unregister_preset("mine")


def test_stock_kerashub_loads_it_by_its_name_offline(hub, pulled, model, fresh_process, tmp_path):  # noqa: F811
    assert_same_values(keras_hub.models.Backbone.from_preset("mine"), model.backbone)
    np.save(tmp_path / "images.npy", photos())
    code = """
import sys
import keras_hub
import numpy as np
import keras_resblocks_plugin
classifier = keras_hub.models.ImageClassifier.from_preset("mine")
print(*classifier.class_names)
np.save(sys.argv[2], classifier.predict(np.load(sys.argv[1]), verbose=0))
"""
    with hub.unreachable():
        args = (tmp_path / "images.npy", tmp_path / "output.npy")
        assert fresh_process(code, *args).split() == CLASS_NAMES
    expected = predict(model, photos())
    np.testing.assert_allclose(np.load(tmp_path / "output.npy"), expected, rtol=1e-5)


def test_the_preset_names_source_and_license_and_a_push_keeps_them(hub, pulled, licensed):
    assert {*downloaded(hub)} == {"config.json", "README.md", "model.safetensors"}
    assert {*pulled.files} == PRESET_FILES | {"README.md", "training.json"}
    commit = licensed.find().id
    assert pulled.commit == commit
    entry = krp.list_presets()["mine"]
    assert (entry["source"], entry["handle"], entry["commit"]) == ("hub", HANDLE, commit)
    krp.push_to_hub("mine", "hf://user/pushed")
    pushed = hub.repo("user/pushed").find().files
    for content in (pulled.folder / "README.md").read_bytes(), pushed["README.md"].content:
        card = ModelCard(content.decode())
        assert card.data.license == "cc-by-nc-4.0"
        assert f"{HANDLE}@{commit}" in card.text
    record = json.loads(pushed["training.json"].content)
    assert record["license"] == "cc-by-nc-4.0"
    assert record["start"] == {"converted from": f"{HANDLE}@{commit}"}


def test_the_license_in_the_config_counts_without_a_card(hub, repository):  # noqa: F811
    config = json.loads(repository.find().files["config.json"].content)
    change_config(
        repository, pretrained_cfg={**config["pretrained_cfg"], "license": "bsd-3-clause"}
    )
    folder = krp.pull_from_hub(HANDLE, name="mine").folder
    krp.unregister_preset("mine")
    assert "license: bsd-3-clause" in (folder / "README.md").read_text()


def test_a_second_pull(hub, pulled, licensed):
    stamp = (pulled.folder / "model.safetensors").stat().st_mtime_ns
    again = krp.pull_from_hub(HANDLE, name="mine")
    assert again == pulled
    assert (again.folder / "model.safetensors").stat().st_mtime_ns == stamp
    # A damaged file is converted again.
    (pulled.folder / "model.safetensors").write_bytes(b"damaged")
    assert krp.pull_from_hub(HANDLE, name="mine") == pulled
    krp.ResBlockBackbone.from_preset("mine")
    with hub.unreachable(), pytest.warns(UserWarning, match="may be out of date"):
        cached = krp.pull_from_hub(HANDLE, name="mine")
    assert (cached.commit, cached.fresh) == (pulled.commit, False)
    # The name stays at its commit until the next pull.
    commit = change_config(licensed, label_names=["a", "b", "c"])
    load = krp.ResBlockImageClassifier.from_preset
    assert load("mine").class_names == CLASS_NAMES
    assert krp.pull_from_hub(HANDLE, name="mine").commit == commit
    assert load("mine").class_names == ["a", "b", "c"]
    krp.pull_from_hub(f"{HANDLE}@{pulled.commit}", name="mine")
    assert load("mine").class_names == CLASS_NAMES


def test_a_dry_run_and_a_network_that_cannot_be_built_download_no_weights(hub, licensed):
    dry = krp.pull_from_hub(HANDLE, name="mine", dry_run=True)
    assert dry.files == ("config.json", "model.safetensors")
    change_config(licensed, architecture="convnext_base")
    for dry_run in (True, False):
        with pytest.raises(ValueError, match="`architecture` must be a network"):
            krp.pull_from_hub(HANDLE, name="mine", dry_run=dry_run)
    assert "mine" not in krp.list_presets()
    assert hub.sent("download") == []


def test_the_commands(hub, licensed, script, tmp_path):  # noqa: F811
    code, output, _ = script("pull_from_hub.py", HANDLE, "--name", "mine")
    assert (code, 'from_preset("mine")' in output) == (0, True)
    krp.unregister_preset("mine")
    krp.convert.to_timm(models.classifier("resnet50"), tmp_path / "local")
    sources = [HANDLE, tmp_path / "local", tmp_path / "nowhere.pth"]
    code, output, errors = script("convert.py", *sources, "--out", tmp_path / "out")
    assert code == 1
    first, second = output.splitlines()
    assert first.startswith(f"{HANDLE}: ")
    assert "3 classes, license cc-by-nc-4.0." in first
    assert second.startswith(f"{tmp_path / 'local'}: ")
    refused, last = errors.splitlines()[-2:]
    assert refused.startswith(f"{sources[2]}: error: `source` must be a Hub handle")
    assert last == "error: 1 of 3 sources were not converted."
    for name in ("resnet18.mine", "local"):
        assert keras_hub.models.ImageClassifier.from_preset(str(tmp_path / "out" / name))
