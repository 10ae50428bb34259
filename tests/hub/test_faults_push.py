"""Faults during a push: it either completes, or fails with one clear error and no changes."""

import os
import resource
import signal
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

import keras_resblocks_plugin as krp
from tests.hub.outcomes import assert_fails, contents, error_of, on_hub
from tests.hub.server import Fault
from tests.hub.store import File

NAME = "user/tiny"
HANDLE = f"hf://{NAME}"

# All endpoints that a push uses; a test below checks that the list is complete.
ENDPOINTS = (
    "create_repo",
    "model_info",
    "tree",
    "resolve",
    "validate_yaml",
    "preupload",
    "lfs_batch",
    "upload",
    "lfs_verify",
    "commit",
)


@pytest.fixture(autouse=True)
def preset_stays_as_it_is(preset):
    before = contents(preset)
    yield
    assert contents(preset) == before


def assert_pushed_once(hub, preset):
    assert on_hub(hub, NAME) == contents(preset)
    assert len(hub.repos[NAME].history()) == 2


def assert_nothing_pushed(hub):
    assert NAME not in hub.repos or on_hub(hub, NAME) == {}


def test_the_list_of_endpoints_is_complete(hub, preset):
    krp.push_to_hub(preset, HANDLE)
    # The client's own optional requests are unknown to the tests' Hub.
    assert {request.endpoint for request in hub.requests} - {"unknown"} == set(ENDPOINTS)


TOO_MANY = {"status": 429, "headers": {"Retry-After": "0"}}
LOST_ANSWER = {"status": 500, "too_late": True}
HALF_AN_ANSWER = {"damage": lambda content: content[: len(content) // 2]}


@pytest.mark.parametrize(
    ("endpoint", "fault"),
    [(endpoint, {"status": 500}) for endpoint in ENDPOINTS]
    + [(endpoint, LOST_ANSWER) for endpoint in ("upload", "commit")]
    + [(endpoint, HALF_AN_ANSWER) for endpoint in ("tree", "commit")]
    + [(endpoint, TOO_MANY) for endpoint in ("upload", "commit")],
)
def test_one_failing_request(hub, preset, endpoint, fault):
    hub.inject(Fault(endpoint, **fault))
    if error_of(hub, krp.push_to_hub, preset, HANDLE) is not None:
        if fault == {"status": 500}:
            assert_nothing_pushed(hub)
        krp.push_to_hub(preset, HANDLE)
    assert hub.faults == []
    assert_pushed_once(hub, preset)


def test_it_waits_as_long_as_the_hub_asks(hub, preset):
    hub.inject(Fault("commit", status=429, headers={"Retry-After": "2"}))
    start = time.monotonic()
    krp.push_to_hub(preset, HANDLE)
    assert time.monotonic() - start > 2
    assert_pushed_once(hub, preset)


def test_a_lost_answer_makes_no_second_pull_request(hub, preset):
    hub.inject(Fault("commit", **LOST_ANSWER))
    pushed = krp.push_to_hub(preset, HANDLE, create_pr=True)
    assert pushed.url == f"{hub.url}/{NAME}/discussions/1"
    assert list(hub.repos[NAME].refs) == ["refs/heads/main", "refs/pr/1"]
    assert on_hub(hub, NAME, "refs/pr/1") == contents(preset)


@pytest.mark.parametrize("endpoint", ["upload", "commit"])
def test_a_permanent_fault_leaves_no_changes(hub, preset, endpoint):
    # The client does not retry 501; it retries 500 for half a minute.
    hub.inject(Fault(endpoint, times=99, status=501))
    assert_fails(hub, "501", krp.push_to_hub, preset, HANDLE)
    assert_nothing_pushed(hub)
    hub.faults.clear()
    krp.push_to_hub(preset, HANDLE)
    assert_pushed_once(hub, preset)


def test_a_slow_server(hub, preset):
    for endpoint in ("upload", "commit"):
        hub.inject(Fault(endpoint, delay=1.0))
    krp.push_to_hub(preset, HANDLE)
    assert_pushed_once(hub, preset)


def test_an_unreachable_server(hub, preset):
    with hub.unreachable():
        assert_fails(hub, "(?i)refused|reach", krp.push_to_hub, preset, HANDLE)
    assert_nothing_pushed(hub)


@pytest.mark.parametrize("role", ["read", "wrong", None])
@pytest.mark.parametrize("exists", [False, True])
def test_a_token_that_may_not_write(hub, preset, monkeypatch, role, exists):
    monkeypatch.delenv("HF_TOKEN")
    token = hub.token(role=role) if role else None
    if exists:
        hub.repo(NAME)
    assert_fails(hub, "(?i)token", krp.push_to_hub, preset, HANDLE, token=token)
    assert_nothing_pushed(hub)
    assert hub.sent("upload") == []


def test_another_user(hub, preset):
    hub.repo(NAME)
    assert_fails(
        hub,
        "(?i)token|right|permission|may",
        krp.push_to_hub,
        preset,
        HANDLE,
        token=hub.token("other"),
    )
    assert_nothing_pushed(hub)
    pushed = krp.push_to_hub(preset, HANDLE, token=hub.token("other"), create_pr=True)
    assert on_hub(hub, NAME, "refs/pr/1") == contents(preset)
    assert pushed.url == f"{hub.url}/{NAME}/discussions/1"


def test_a_private_repository_of_another_user(hub, preset):
    hub.repo(NAME, private=True)
    assert_fails(hub, NAME, krp.push_to_hub, preset, HANDLE, token=hub.token("other"))
    assert_nothing_pushed(hub)


def test_it_creates_a_private_repository(hub, preset):
    krp.push_to_hub(preset, HANDLE, private=True)
    assert hub.repos[NAME].private
    assert_pushed_once(hub, preset)


@pytest.mark.parametrize(
    "handle",
    [
        "hf://",
        "hf://tiny",
        "hf://user/..",
        "hf://user/a--b",
        "hf://user/a b",
        "user/tiny",
        "hf://a/b/c",
        "hf://user/tiny.git",
        f"hf://user/{'x' * 97}",
        "kaggle://user/tiny",
    ],
)
def test_an_invalid_handle(hub, preset, handle):
    assert_fails(hub, "Received", krp.push_to_hub, preset, handle)
    assert hub.requests == []


def test_a_concurrent_commit(hub, preset):
    edit = {"notes.txt": b"Mine"}
    hub.inject(Fault("commit", call=lambda: hub.repos[NAME].edit(edit)))
    krp.push_to_hub(preset, HANDLE)
    assert on_hub(hub, NAME) == {**contents(preset), **edit}


def test_a_file_damaged_on_arrival_is_an_error(hub, preset):
    def damage():
        hub.repos[NAME].find().files["config.json"] = File(b"{}")

    # The second listing is of the new commit.
    hub.inject(Fault("tree"))
    hub.inject(Fault("tree", call=damage))
    assert_fails(hub, r"damaged.*config\.json", krp.push_to_hub, preset, HANDLE)
    krp.push_to_hub(preset, HANDLE)
    assert on_hub(hub, NAME) == contents(preset)


@pytest.mark.parametrize("endpoint", ["create_repo", "upload", "lfs_verify", "commit", "resolve"])
def test_killed_and_run_again(hub, preset, fork, endpoint):
    process = fork.Process(target=krp.push_to_hub, args=(preset, HANDLE))
    hub.inject(Fault(endpoint, call=lambda: os.kill(process.pid, signal.SIGKILL)))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    krp.push_to_hub(preset, HANDLE)
    assert_pushed_once(hub, preset)


def test_a_full_disk(hub, preset, fork):
    with ProcessPoolExecutor(1, fork) as pool:
        job = pool.submit(_push_live_with_little_space, preset)
        assert_fails(hub, "(?i)file too large|space", job.result, 60)
    assert_nothing_pushed(hub)


def _push_live_with_little_space(preset):
    classifier = krp.ResBlockImageClassifier.from_preset(preset)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    krp.push_to_hub(classifier, HANDLE)
