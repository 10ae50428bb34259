"""Pushing presets, and pulling them by name, with the real client over HTTP."""

import json

import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.hub.outcomes import contents, logits, on_hub


def test_a_push_sends_one_commit_and_returns_how_to_load_it(hub, preset):
    before = contents(preset)
    pushed = krp.push_to_hub(preset, "hf://user/name")
    repo = hub.repos["user/name"]
    assert [commit.id for commit in repo.history()][1:] == [pushed.commit]
    assert on_hub(hub, "user/name") == before == contents(preset)
    assert pushed.repo_id == "user/name"
    assert pushed.url == f"{hub.url}/user/name/commit/{pushed.commit}"
    assert set(pushed.changed) == {*before, "README.md"}
    assert not repo.private
    loaded = eval(pushed.load_line, {"keras_hub": keras_hub})
    expected = krp.ResBlockImageClassifier.from_preset(str(preset))
    np.testing.assert_array_equal(logits(loaded), logits(expected))
    assert loaded.class_names == ["cat", "dog", "tree"]


def test_an_unchanged_preset_sends_no_weights_and_makes_no_commit(hub, preset):
    first = krp.push_to_hub(preset, "hf://user/name")
    hub.requests.clear()
    again = krp.push_to_hub(preset, "hf://user/name")
    assert (again.commit, again.changed) == (first.commit, ())
    assert hub.sent("upload") == hub.sent("commit") == []


def test_only_changes_are_sent_and_removed_files_are_deleted(hub, preset):
    krp.push_to_hub(preset, "hf://user/name")
    hub.repo().edit({"notes.txt": b"Ours."})
    hub.requests.clear()
    krp.ResBlockBackbone.from_preset(str(preset)).save_to_preset(preset.with_name("bare"))
    pushed = krp.push_to_hub(preset.with_name("bare"), "hf://user/name")
    assert hub.sent("upload") == []
    there = on_hub(hub, "user/name")
    assert there == {**contents(preset.with_name("bare")), "notes.txt": b"Ours."}
    assert "task.weights.h5 (deleted)" in pushed.changed
    assert pushed.load_line == 'keras_hub.models.Backbone.from_preset("hf://user/name")'


def test_live_models_are_pushed(hub, preset):
    classifier = krp.ResBlockImageClassifier.from_preset(str(preset))
    krp.push_to_hub(classifier, "hf://user/name")
    loaded = krp.ResBlockImageClassifier.from_preset("hf://user/name")
    np.testing.assert_array_equal(logits(loaded), logits(classifier))
    pushed = krp.push_to_hub(classifier.backbone, "hf://user/backbone", private=True)
    assert hub.repos["user/backbone"].private
    backbone = krp.ResBlockBackbone.from_preset("hf://user/backbone")
    np.testing.assert_array_equal(logits(backbone), logits(classifier.backbone))
    assert pushed.repo_id == "user/backbone"


def test_a_dry_run_changes_nothing(hub, preset):
    planned = krp.push_to_hub(preset, "hf://user/name", dry_run=True)
    assert planned.commit is None
    assert set(planned.changed) == {*contents(preset), "README.md"}
    assert hub.repos == {}
    krp.push_to_hub(preset, "hf://user/name")
    commits = len(hub.repo().commits)
    assert krp.push_to_hub(preset, "hf://user/name", dry_run=True).changed == ()
    assert len(hub.repo().commits) == commits


def test_weights_that_are_not_finite_are_not_sent(hub, preset):
    backbone = krp.ResBlockBackbone.from_preset(str(preset))
    kernel = backbone.weights[0]
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(ValueError, match=r"finite.*stem0_conv/kernel"):
        krp.push_to_hub(backbone, "hf://user/name")
    assert hub.requests == []


def test_private_weights_are_not_pushed_to_a_public_repository(hub, preset):
    hub.repo("user/name", private=False)
    with pytest.raises(ValueError, match="is public"):
        krp.push_to_hub(preset, "hf://user/name", private=True)
    assert on_hub(hub, "user/name") == {}


def test_a_pulled_name_loads_in_later_processes_without_the_hub(hub, preset, fresh_process):
    pushed = krp.push_to_hub(preset, "hf://user/name")
    pulled = krp.pull_from_hub("hf://user/name", name="mine")
    assert pulled.commit == pushed.commit
    assert contents(pulled.folder).keys() == {*contents(preset), "README.md", ".gitattributes"}
    listed = krp.list_presets()["mine"]
    assert (listed["source"], listed["handle"]) == ("hub", "hf://user/name")
    assert listed["commit"] == pushed.commit
    expected = logits(krp.ResBlockImageClassifier.from_preset(str(preset)))
    with hub.unreachable():
        output = fresh_process(
            "import keras_hub, keras_resblocks_plugin as krp, numpy as np, sys, json\n"
            "from tests.helpers import fill, images, to_numpy\n"
            "model = keras_hub.models.ImageClassifier.from_preset('mine')\n"
            "keras_hub.models.Backbone.from_preset('mine')\n"
            "keras_hub.models.Backbone.from_preset('hf://user/name')\n"
            "krp.ResBlockBackbone.from_preset('hf://user/name')\n"
            "print(json.dumps(krp.list_presets()['mine']))\n"
            "print(json.dumps(to_numpy(model(images(2, 8, 8, 3))).tolist()))\n",
            HF_HUB_OFFLINE="1",
        )
    *_, there, outputs = output.strip().splitlines()
    assert json.loads(there) == listed
    np.testing.assert_array_equal(np.asarray(json.loads(outputs), "float32"), expected)


def test_a_name_is_updated_and_removed(hub, preset):
    first = krp.push_to_hub(preset, "hf://user/name")
    hub.repo().refer("refs/tags/v1", "main")
    krp.pull_from_hub("hf://user/name", name="mine")
    hub.repo().edit({"notes.txt": b"Newer."})
    assert krp.list_presets()["mine"]["commit"] == first.commit
    pulled = krp.pull_from_hub("hf://user/name", name="mine")
    assert krp.list_presets()["mine"]["commit"] == pulled.commit == hub.repo().find().id
    assert krp.pull_from_hub("hf://user/name@v1", name="mine").commit == first.commit
    assert krp.list_presets()["mine"]["handle"] == "hf://user/name@v1"
    krp.unregister_preset("mine")
    assert "mine" not in krp.list_presets()
    with pytest.raises(ValueError, match="Closest names"):
        krp.ResBlockBackbone.from_preset("mine")


def test_names_and_handles_are_checked_before_any_request(hub, preset):
    with pytest.raises(ValueError, match="KerasHub has it"):
        krp.pull_from_hub("hf://user/name", name="resnet_50_imagenet")
    for handle in ("user/name", "hf://name", "hf://user/name@", "hf://user/na me", "hf://u/n@../x"):
        with pytest.raises(ValueError, match=r"`(handle|revision)` must be"):
            krp.pull_from_hub(handle, name="mine")
        with pytest.raises(ValueError, match=r"`(handle|revision)` must be"):
            krp.push_to_hub(preset, handle)
    with pytest.raises(ValueError, match=r"pull_from_hub"):
        krp.register_preset("mine", "hf://user/name@v1")
    assert hub.requests == []
