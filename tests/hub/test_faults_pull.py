"""Faults during a pull: it either completes, or fails with one clear error and no changes."""

import itertools
import json
import os
import resource
import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import keras_hub
import pytest
from huggingface_hub import constants

import keras_resblocks_plugin as krp
from tests.helpers import values
from tests.hub.outcomes import assert_fails, contents, error_of
from tests.hub.server import Fault

NAME = "user/tiny"
HANDLE = f"hf://{NAME}"

# All endpoints that a pull uses; a test below checks that the list is complete.
ENDPOINTS = ("model_info", "tree", "resolve", "download")
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def pushed(hub, preset):
    """The commit of a preset on the Hub."""
    return hub.repo(NAME).edit(contents(preset))


@pytest.fixture
def name():
    """A new name for each test, since a process keeps the names that it registered."""
    return f"tiny_{next(_numbers)}"


def assert_pulled(name, preset, commit):
    """The name loads the pushed weights, and its listed commit is `commit`."""
    expected = values(krp.ResBlockImageClassifier.from_preset(preset))
    loaded = values(keras_hub.models.ImageClassifier.from_preset(name))
    assert all((loaded[path] == value).all() for path, value in expected.items())
    assert krp.list_presets()[name]["commit"] == commit


def assert_nothing_pulled(name):
    assert name not in krp.list_presets()
    assert name not in keras_hub.models.ImageClassifier.presets


def test_the_list_of_endpoints_is_complete(hub, name):
    krp.pull_from_hub(HANDLE, name=name)
    # The client's own optional requests are unknown to the tests' Hub.
    assert {request.endpoint for request in hub.requests} - {"unknown"} == set(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 429, "headers": {"Retry-After": "0"}},
        {"damage": lambda content: content[: len(content) // 2]},
        {"delay": 1.0},
    ],
    ids=["500", "429", "closed half-way", "slow"],
)
def test_one_failing_request(hub, preset, pushed, name, endpoint, fault):
    hub.inject(Fault(endpoint, **fault))
    if error_of(hub, krp.pull_from_hub, HANDLE, name=name) is not None:
        assert_nothing_pulled(name)
        krp.pull_from_hub(HANDLE, name=name)
    assert hub.faults == []
    assert_pulled(name, preset, pushed)


def test_a_download_that_takes_longer_than_the_client_waits(hub, preset, pushed, name, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    hub.inject(Fault("download", delay=3.0))
    krp.pull_from_hub(HANDLE, name=name)
    assert_pulled(name, preset, pushed)


@pytest.mark.parametrize("endpoint", ["resolve", "download"])
def test_a_flipped_byte(hub, preset, pushed, name, endpoint):
    def flip(content):
        return content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]

    hub.inject(Fault(endpoint, times=99, damage=flip))
    assert_fails(hub, "sha|digest|damaged", krp.pull_from_hub, HANDLE, name=name)
    assert_nothing_pulled(name)
    hub.faults.clear()
    # The damaged file is not left in the cache.
    krp.pull_from_hub(HANDLE, name=name)
    assert_pulled(name, preset, pushed)


def test_an_unreachable_server(hub, preset, pushed, name):
    with hub.unreachable():
        assert_fails(hub, "(?i)reach|refused|connect", krp.pull_from_hub, HANDLE, name=name)
    assert_nothing_pulled(name)
    krp.pull_from_hub(HANDLE, name=name)
    with hub.unreachable():
        assert_pulled(name, preset, pushed)


def test_a_silent_server(hub, preset, pushed, name, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
    hub.inject(Fault("model_info", times=2, silent=True))
    assert_fails(hub, "cannot be reached", krp.pull_from_hub, HANDLE, name=name)
    assert_nothing_pulled(name)
    hub.faults.clear()
    krp.pull_from_hub(HANDLE, name=name)
    hub.inject(Fault("model_info", silent=True))
    assert krp.ResBlockBackbone.from_preset(HANDLE).count_params() > 0


def test_tokens_for_a_private_repository(hub, preset, pushed, name, monkeypatch):
    hub.repos[NAME].private = True
    monkeypatch.delenv("HF_TOKEN")
    for token in (None, hub.token(role="wrong"), hub.token("other", role="read")):
        assert_fails(hub, "(?i)token", krp.pull_from_hub, HANDLE, name=name, token=token)
        assert_nothing_pulled(name)
    krp.pull_from_hub(HANDLE, name=name, token=hub.token(role="read"))
    assert_pulled(name, preset, pushed)


@pytest.mark.parametrize("handle", ["hf://user/absent", f"{HANDLE}@absent", f"{HANDLE}@{'0' * 40}"])
def test_a_missing_repository_or_revision(hub, name, handle):
    assert_fails(hub, "absent|0000", krp.pull_from_hub, handle, name=name)
    assert_nothing_pulled(name)


@pytest.mark.parametrize(
    "handle", ["hf://", "hf://tiny", "hf://user/..", "hf://user/a b", "hf://a/b/c", f"{HANDLE}@"]
)
def test_an_invalid_handle(hub, name, handle):
    assert_fails(hub, "Received", krp.pull_from_hub, handle, name=name)
    assert hub.requests == []


@pytest.mark.parametrize("endpoint", ["tree", "resolve", "download"])
def test_a_concurrent_commit(hub, preset, pushed, name, endpoint):
    edit = {"config.json": b"{}", "model.safetensors": b"\0"}
    hub.inject(Fault(endpoint, call=lambda: hub.repos[NAME].edit(edit)))
    krp.pull_from_hub(HANDLE, name=name)
    assert_pulled(name, preset, pushed)


def test_a_failed_update_leaves_the_name_as_it_was(hub, preset, pushed, name):
    krp.pull_from_hub(HANDLE, name=name)
    hub.repos[NAME].edit({"model.safetensors": b"\0"})
    assert_fails(hub, "safetensors", krp.pull_from_hub, HANDLE, name=name)
    assert_pulled(name, preset, pushed)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_killed_and_run_again(hub, preset, pushed, name, fork, endpoint):
    process = fork.Process(target=krp.pull_from_hub, args=(HANDLE, name))
    hub.inject(Fault(endpoint, call=lambda: os.kill(process.pid, signal.SIGKILL)))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert_nothing_pulled(name)
    krp.pull_from_hub(HANDLE, name=name)
    assert_pulled(name, preset, pushed)


def test_eight_processes_at_once(hub, preset, pushed, name, fork):
    hub.inject(Fault("model_info", times=8, delay=0.5))
    with ProcessPoolExecutor(8, fork) as pool:
        jobs = [pool.submit(_pull_both, name, f"{name}_{i}") for i in range(8)]
        assert [job.result(60) for job in jobs] == [pushed] * 8
    names = json.loads((Path(os.environ["KERAS_HOME"]) / "keras_resblocks_plugin.json").read_text())
    assert set(names["presets"]) == {name, *(f"{name}_{i}" for i in range(8))}


def _pull_both(shared, own):
    krp.pull_from_hub(HANDLE, name=shared)
    folder = krp.pull_from_hub(HANDLE, name=own).folder
    krp.ResBlockImageClassifier.from_preset(folder)
    return folder.name


@pytest.mark.parametrize("limit", [0, 100, 10_000])
def test_a_full_disk(hub, preset, pushed, name, fork, limit):
    with ProcessPoolExecutor(1, fork) as pool:
        job = pool.submit(_pull_with_little_space, name, limit)
        assert_fails(hub, "(?i)file too large|space|write", job.result, 60)
    assert_nothing_pulled(name)
    krp.pull_from_hub(HANDLE, name=name)
    assert_pulled(name, preset, pushed)


def _pull_with_little_space(name, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    krp.pull_from_hub(HANDLE, name=name)
