"""A busy Hub: cached presets load at once, and other requests wait as long as it asks."""

import logging
import time

import pytest

import keras_resblocks_plugin as krp
from tests.hub.outcomes import assert_fails, contents, on_hub
from tests.hub.server import Fault

HANDLE = "hf://user/tiny"


def asks(seconds, policy='"fixed window";"api";q=500;w=300'):
    """A 429 as the Hub sends it, without `Retry-After`."""
    headers = {"RateLimit": f'"api";r=0;t={seconds}', "RateLimit-Policy": policy}
    return {"status": 429, "headers": headers}


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, "keras_resblocks_plugin")
    return caplog


def timed(action, *args, **kwargs):
    start = time.monotonic()
    result = action(*args, **kwargs)
    return time.monotonic() - start, result


@pytest.mark.parametrize("endpoint", ["model_info", "tree", "resolve", "download"])
def test_a_pull_waits_as_long_as_the_hub_says(hub, preset, said, endpoint):
    hub.repo("user/tiny").edit(contents(preset))
    hub.inject(Fault(endpoint, **asks(2)))
    seconds, pulled = timed(krp.pull_from_hub, HANDLE, name=f"busy_{endpoint}")
    assert seconds > 2
    assert pulled.fresh
    assert "answers 429 for `hf://user/tiny` and asks to wait 2 s. Waiting 2 s." in said.text


@pytest.mark.parametrize("endpoint", ["model_info", "tree"])
def test_a_dry_run_waits_too(hub, preset, said, endpoint):
    hub.repo("user/tiny").edit(contents(preset))
    hub.inject(Fault(endpoint, **asks(1)))
    seconds, pulled = timed(krp.pull_from_hub, HANDLE, dry_run=True)
    assert seconds > 1
    assert pulled.fresh
    assert said.text.count("Waiting") == 1


@pytest.mark.parametrize("endpoint", ["create_repo", "tree", "lfs_batch", "upload", "commit"])
def test_a_push_waits_as_long_as_the_hub_says(hub, preset, said, endpoint):
    hub.inject(Fault(endpoint, **asks(1)))
    seconds, _ = timed(krp.push_to_hub, preset, HANDLE)
    assert seconds > 1
    assert said.text.count("Waiting 1 s.") == 1
    assert on_hub(hub, "user/tiny") == contents(preset)


def test_the_wait_does_not_count_against_a_deadline(hub, preset, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 1)
    hub.inject(Fault("create_repo", **asks(2)))
    krp.push_to_hub(preset, HANDLE)
    assert on_hub(hub, "user/tiny") == contents(preset)


@pytest.mark.parametrize("endpoint", ["model_info", "tree", "download"])
@pytest.mark.parametrize(
    "answer", [asks(1000), {"status": 503, "headers": {"Retry-After": "1000"}}], ids=["429", "503"]
)
def test_more_than_300_seconds_is_an_error_at_once(hub, preset, said, endpoint, answer):
    hub.repo("user/tiny").edit(contents(preset))
    hub.inject(Fault(endpoint, times=99, **answer))
    for action in (
        lambda: krp.pull_from_hub(HANDLE, name="long"),
        lambda: krp.ResBlockBackbone.from_preset(HANDLE),
    ):
        assert_fails(hub, "wait 1000 s.*waits 300 s in all", action)
    assert "Waiting" not in said.text
    assert "long" not in krp.list_presets()


def test_all_waits_together_take_at_most_300_seconds(hub, preset, said):
    hub.inject(Fault("create_repo", **asks(1)))
    hub.inject(Fault("preupload", **asks(300)))
    assert_fails(hub, "wait 300 s.*in all", krp.push_to_hub, preset, HANDLE)
    assert "Waiting 1 s." in said.text
    assert "Waiting 300 s." not in said.text


@pytest.mark.parametrize("endpoint", ["model_info", "tree"])
@pytest.mark.parametrize("answer", [asks(10), {"status": 429}], ids=["with", "without"])
def test_a_cached_preset_loads_at_once_with_a_warning(hub, preset, said, endpoint, answer):
    commit = hub.repo("user/tiny").edit(contents(preset))
    assert krp.pull_from_hub(HANDLE, name="cached").fresh
    hub.inject(Fault(endpoint, times=99, **answer))
    for action in (
        lambda: krp.pull_from_hub(HANDLE, name="cached"),
        lambda: krp.ResBlockBackbone.from_preset(HANDLE),
        lambda: krp.ResBlockImageClassifier.from_preset(HANDLE),
    ):
        with pytest.warns(UserWarning, match=f"commit {commit} of the cache.*answers 429"):
            action()
    assert "Waiting" not in said.text
    assert "Trying again" not in said.text


def test_a_training_waits_too(hub, preset, tmp_path, said):
    from keras_resblocks_plugin._hub_client import Handle
    from keras_resblocks_plugin.hub._background import BackgroundPush

    hub.inject(Fault("create_repo", **asks(2)))
    push = BackgroundPush(hub.users_token, Handle.parse(HANDLE), None)
    push.offer(preset)
    seconds, _ = timed(lambda: (push.start(), push.finish(preset)))
    assert seconds > 2
    assert push.last_error is None
    assert on_hub(hub, "user/tiny") == contents(preset)
