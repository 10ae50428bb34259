"""Conversion of timm's repositories on the Hub, by function and by script."""

import json

import huggingface_hub
import keras_hub
import pytest

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.helpers import values
from tests.hub.test_scripts import script  # noqa: F401
from tests.tiny import CLASS_NAMES


@pytest.fixture(scope="module")
def _written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("timm") / "resnet18"
    krp.convert.to_timm(models.classifier("resnet18"), folder)
    # timm's repositories have the same weights in two formats.
    (folder / "pytorch_model.bin").write_bytes(b"the same in another format")
    return folder


@pytest.fixture
def repository(hub, _written):
    api = huggingface_hub.HfApi(token=hub.users_token)
    api.create_repo("user/resnet18.mine")
    api.upload_folder(repo_id="user/resnet18.mine", folder_path=_written)
    hub.requests.clear()
    return hub.repo("user/resnet18.mine")


@pytest.mark.parametrize("source", ["hf://user/resnet18.mine", "user/resnet18.mine"])
def test_a_handle(hub, repository, source):
    model = krp.convert.from_timm(source)
    expected = values(models.classifier("resnet18"))
    assert all((array == expected[path]).all() for path, array in values(model).items())
    downloaded = {request.path.split("?")[0].split("/")[-1] for request in hub.requests}
    assert "model.safetensors" in downloaded
    assert "pytorch_model.bin" not in downloaded


def test_offline_the_cache_is_used(hub, repository):
    krp.convert.from_timm("user/resnet18.mine")
    with hub.unreachable(), pytest.warns(UserWarning, match="of the cache"):
        assert krp.convert.from_timm("user/resnet18.mine").class_names == CLASS_NAMES


def test_a_repository_without_weights(hub):
    huggingface_hub.HfApi(token=hub.users_token).create_repo("user/empty")
    with pytest.raises(ValueError, match=r"`source` must contain model\.safetensors"):
        krp.convert.from_timm("user/empty")


def test_script(hub, repository, script, tmp_path):  # noqa: F811
    out = tmp_path / "preset"
    code, output, _ = script("convert.py", "user/resnet18.mine", "--out", out, "--license", "mit")
    assert code == 0
    assert f'keras_hub.models.ImageClassifier.from_preset("{out}")' in output
    commit = repository.find().id
    training = json.loads((out / "training.json").read_text())
    assert training["start"] == {"converted from": f"hf://user/resnet18.mine@{commit}"}
    card = (out / "README.md").read_text()
    assert commit in card
    assert "license: mit" in card
    loaded = keras_hub.models.ImageClassifier.from_preset(str(out))
    assert loaded.class_names == CLASS_NAMES
    assert loaded.preprocessor.image_converter.crop_fraction == 0.875


def test_an_error_is_one_line_and_leaves_no_folder(hub, script, tmp_path):  # noqa: F811
    out = tmp_path / "preset"
    code, _, errors = script("convert.py", "nowhere.safetensors", "--out", out)
    assert code == 1
    assert errors.splitlines()[-1].startswith("error: `source` must be a Hub handle")
    assert "Traceback" not in errors
    assert not out.exists()
