"""The Hub's server, started once for all tests that need it."""

import os
from urllib.parse import urlsplit

import pytest


@pytest.fixture(scope="session")
def hub_server():
    """A running Hub; tests reset it before they use it."""
    from tests.hub.server import Hub

    hub = Hub(urlsplit(os.environ["HF_ENDPOINT"]).port)
    hub.start()
    yield hub
    hub.stop()
