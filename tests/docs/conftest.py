"""An empty folder with the data that readers of the pages bring along."""

import os
import shutil
from pathlib import Path

import pytest

import keras_resblocks_plugin as krp
from tests.docs.pages import ROOT


@pytest.fixture
def hub(hub_server, monkeypatch):
    """A Hub whose user is logged in, and caches that are empty again after the test."""
    hub_server.reset()
    monkeypatch.setenv("HF_TOKEN", hub_server.users_token)
    yield hub_server
    for home in ("HF_HOME", "KERAS_HOME"):
        shutil.rmtree(os.environ[home], ignore_errors=True)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder of a reader, with the parts of the repository that pages name."""
    for name in ("presets", "scripts"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("study_results")
        )
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".github").mkdir()
    monkeypatch.chdir(tmp_path)
    known = set(krp.list_presets())
    yield tmp_path
    for name in set(krp.list_presets()) - known:
        krp.unregister_preset(name)
