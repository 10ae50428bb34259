"""Pushes during concurrent saves send one whole save, and mixtures of two saves are refused."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

import keras_resblocks_plugin as krp
from keras_resblocks_plugin._hub_client import Handle
from keras_resblocks_plugin.hub._background import BackgroundPush
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from tests.hub.outcomes import assert_fails, contents, on_hub
from tests.saving import saver

NAME = "user/name"
HANDLE = f"hf://{NAME}"


@pytest.fixture(scope="module")
def saved_over(tmp_path_factory):
    """A folder to which another process saves continuously."""
    folder = tmp_path_factory.mktemp("saved_over")
    with saver.saving_forever(folder):
        yield folder


def load_pushed(hub, folder):
    """The classifier on the Hub."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, content in on_hub(hub, NAME).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return krp.ResBlockImageClassifier.from_preset(folder)


def test_a_preset_that_is_saved_over_while_it_is_pushed(hub, saved_over, tmp_path):
    for _ in range(8):
        krp.push_to_hub(saved_over / "preset", HANDLE)
        saver.assert_one_save(load_pushed(hub, tmp_path / "there"))


def test_an_adapter_that_is_saved_over_while_it_is_pushed(hub, saved_over, tmp_path):
    for _ in range(8):
        krp.push_to_hub(saved_over / "adapter", HANDLE)
        file = tmp_path / "adapter.safetensors"
        file.write_bytes(on_hub(hub, NAME)["adapter.safetensors"])
        lora = [array for path, array in load_file(file).items() if "lora" in path]
        (state,) = {float(value) for array in lora for value in np.unique(array)}
        assert PresetFolder(tmp_path).adapter["class_names"] == saver.names(int(state))


def test_a_preset_that_is_saved_over_while_it_is_pushed_in_the_background(
    hub, saved_over, tmp_path
):
    pushes = BackgroundPush(hub.users_token, Handle.parse(HANDLE), None)
    for _ in range(6):
        pushes.offer(saved_over / "preset")
        pushes.start()
        pushes.finish(saved_over / "preset")
        assert pushes.last_error is None
        saver.assert_one_save(load_pushed(hub, tmp_path / "there"))


@pytest.mark.parametrize("name", ["task.weights.h5", "model.safetensors"])
def test_a_mixture_of_two_saves_is_neither_pushed_nor_pulled(hub, preset, tmp_path, name):
    classifier = krp.ResBlockImageClassifier.from_preset(preset)
    for weight in classifier.weights:
        weight.assign(weight + 1)
    classifier.save_to_preset(tmp_path / "other")
    shutil.copy(tmp_path / "other" / name, preset / name)
    assert_fails(hub, "was saved with other weights", krp.push_to_hub, preset, HANDLE)
    assert NAME not in hub.repos
    hub.repo(NAME).edit(contents(preset))
    for load in (krp.pull_from_hub, krp.ResBlockImageClassifier.from_preset):
        assert_fails(hub, "was saved with other weights", load, HANDLE)


def test_a_link_to_a_private_file_is_not_pushed_in_the_background(hub, preset, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (preset / "notes.txt").symlink_to(tmp_path / "secret")
    pushes = BackgroundPush(hub.users_token, Handle.parse(HANDLE), None)
    pushes.offer(preset)
    pushes.finish(preset)
    assert "is a link to" in pushes.last_error
    assert NAME not in hub.repos
