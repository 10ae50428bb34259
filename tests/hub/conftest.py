"""A running Hub for each test, and a preset to push to it."""

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.hub_server import Hub


@pytest.fixture(scope="session")
def _server():
    hub = Hub(urlsplit(os.environ["HF_ENDPOINT"]).port)
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def hub(_server, monkeypatch) -> Hub:
    """An empty Hub, whose user is logged in with a token that may write, and empty caches."""
    _server.reset()
    monkeypatch.setenv("HF_TOKEN", _server.token())
    yield _server
    for home in ("HF_HOME", "KERAS_HOME"):
        shutil.rmtree(Path(os.environ[home]), ignore_errors=True)
