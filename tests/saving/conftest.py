"""A saved classifier, and a copy of its preset for each test to change."""

import shutil

import pytest

from tests.tiny import tiny_classifier


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "preset"
    tiny_classifier().save_to_preset(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "preset")
