"""A running Hub, a preset to push, and processes that start quickly."""

import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

import keras_resblocks_plugin as krp
from tests.helpers import fill
from tests.hub.outcomes import contents
from tests.hub.server import Hub

_HOMES = tuple(Path(os.environ[home]) for home in ("HF_HOME", "KERAS_HOME"))
_TRAINING = '{"results": {"validation_top1": 0.5}, "data": {"name": "user/images"}, "epochs": 2}'


@pytest.fixture(autouse=True)
def hub(hub_server, monkeypatch, tmp_path, capfd, caplog) -> Hub:
    """An empty Hub, with empty caches and a user who is logged in with a write token.

    After each test, no token may be found in its output, files, commits or log.
    """
    hub_server.reset()
    monkeypatch.setenv("HF_TOKEN", hub_server.users_token)
    yield hub_server
    output = [*capfd.readouterr(), caplog.text, repr(hub_server.requests)]
    left = [text.encode() for text in output]
    left += [content for folder in (*_HOMES, tmp_path) for content in contents(folder).values()]
    commits = [commit for repo in hub_server.repos.values() for commit in repo.commits.values()]
    left += [file.content for commit in commits for file in commit.files.values()]
    for home in _HOMES:
        shutil.rmtree(home, ignore_errors=True)
    assert not [text for text in left for token in hub_server.tokens if token.encode() in text]


@pytest.fixture(scope="session")
def _saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    backbone = krp.ResBlockBackbone("bn", [4], [1], [2], [4], [3], [1])
    converter = krp.ResBlockImageConverter(image_size=(8, 8))
    classifier = krp.ResBlockImageClassifier(
        fill(backbone),
        class_names=["cat", "dog", "tree"],
        preprocessor=krp.ResBlockImageClassifierPreprocessor(converter),
    )
    classifier.save_to_preset(folder)
    (folder / "training.json").write_text(_TRAINING)
    return folder


@pytest.fixture
def preset(_saved, tmp_path) -> Path:
    """A classifier's preset of about 40 KB, with the record of a training run."""
    return Path(shutil.copytree(_saved, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def fork():
    """A context for processes that have already imported the package and share nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["keras_resblocks_plugin"])
    return context
