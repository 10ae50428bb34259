"""A tiny preset, its predictions, and the ways to load it."""

import pytest

from tests.saving.presets import LOADERS
from tests.tiny import photos, predict, tiny_classifier


@pytest.fixture(scope="module")
def saved(saved_preset):
    """The path of a preset that tests read."""
    return str(saved_preset)


@pytest.fixture(scope="module")
def expected():
    """The predictions of the model of that preset."""
    return predict(tiny_classifier(), photos())


@pytest.fixture(params=LOADERS.values(), ids=LOADERS.keys())
def load(request):
    return request.param
