"""Results from the cache are marked as such."""

import warnings

import pytest
from huggingface_hub import constants

import keras_resblocks_plugin as krp
from tests.hub.outcomes import contents
from tests.hub.server import Fault

HANDLE = "hf://user/tiny"


@pytest.fixture(autouse=True)
def commit(hub, preset):
    """The commit of a preset on the Hub that was pulled once."""
    commit = hub.repo("user/tiny").edit(contents(preset))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert krp.pull_from_hub(HANDLE, name="pulled").fresh
    return commit


def assert_said(commit, action):
    with pytest.warns(UserWarning, match="may be out of date.*cannot be reached") as said:
        result = action()
    assert HANDLE in str(said[0].message)
    assert commit in str(said[0].message)
    return result


def test_a_hub_that_is_not_there(hub, commit):
    with hub.unreachable():
        pulled = assert_said(commit, lambda: krp.pull_from_hub(HANDLE, name="pulled"))
        assert (pulled.fresh, pulled.commit) == (False, commit)
        assert_said(commit, lambda: krp.ResBlockBackbone.from_preset(HANDLE))
        assert_said(commit, lambda: krp.ResBlockImageClassifier.from_preset(HANDLE))
        # A name is bound to its commit, and asks no Hub.
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            krp.ResBlockBackbone.from_preset("pulled")


@pytest.mark.parametrize("endpoint", ["model_info", "tree"])
def test_a_hub_that_is_silent(hub, commit, monkeypatch, endpoint):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.5)
    hub.inject(Fault(endpoint, times=99, silent=True))
    assert not assert_said(commit, lambda: krp.pull_from_hub(HANDLE, name="pulled")).fresh


def test_chosen_offline_mode_is_logged_once(hub, commit, fresh_process):
    code = (
        "import warnings\n"
        "warnings.simplefilter('error', UserWarning)\n"
        "import logging, sys\n"
        "logging.basicConfig(stream=sys.stdout, level=logging.WARNING)\n"
        "import keras_resblocks_plugin as krp\n"
        "for _ in range(2):\n"
        "    pulled = krp.pull_from_hub('hf://user/tiny', name='pulled')\n"
        "    krp.ResBlockBackbone.from_preset('hf://user/tiny')\n"
        "print(pulled.fresh)\n"
    )
    output = fresh_process(code, HF_HUB_OFFLINE="1")
    assert output.count("HF_HUB_OFFLINE is set") == 1
    assert output.count(commit) == 1
    assert "False" in output
