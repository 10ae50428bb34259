"""Tokens do not leak: the fixture `hub` searches for them after each test."""

import logging
import os
import runpy
import sys
from pathlib import Path

import huggingface_hub as hf
import pytest

import keras_resblocks_plugin as krp
from tests.hub.outcomes import assert_fails
from tests.hub.server import Fault

SCRIPTS = Path(__file__).parents[2] / "scripts"
HANDLE = "hf://user/tiny"


def _run_script(name, args, token, output):
    os.environ["HF_TOKEN"] = token
    for descriptor in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    sys.path.insert(0, str(SCRIPTS))
    sys.argv = [name, *args]
    runpy.run_path(str(SCRIPTS / name), run_name="__main__")


@pytest.mark.parametrize("role", ["write", "wrong", "read"])
@pytest.mark.parametrize(
    "args", [("push_to_hub.py", "PRESET", HANDLE), ("pull_from_hub.py", f"{HANDLE}@absent")]
)
def test_scripts_with_all_logs_on(hub, preset, fork, tmp_path, args, role):
    hub.repo("user/tiny")
    hub.inject(Fault("upload", times=99, status=501))
    name, *args = (str(preset) if arg == "PRESET" else arg for arg in args)
    output = tmp_path / "output"
    process = fork.Process(
        target=_run_script, args=(name, [*args, "--debug"], hub.token(role=role), output)
    )
    process.start()
    process.join(120)
    assert process.exitcode == 1
    assert "Traceback" in output.read_text()


def test_debug_logs(hub, preset, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    verbosity = hf.logging.get_verbosity()
    hf.logging.set_verbosity_debug()
    try:
        krp.push_to_hub(preset, HANDLE, token=hub.token())
        krp.pull_from_hub(HANDLE, name="talkative", token=hub.token(role="read"))
    finally:
        hf.logging.set_verbosity(verbosity)
    assert "/api/models/user/tiny" in caplog.text


@pytest.mark.parametrize("path", ["training.json", "README.md", "samples/notes.txt"])
def test_a_token_in_a_preset_is_not_sent(hub, preset, path):
    file = preset / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(f'{{"token": "{hub.users_token}"}}')
    assert_fails(hub, f"{path}.*has your .* token", krp.push_to_hub, preset, HANDLE)
    assert hub.repos == {}
    file.unlink()


def test_a_token_in_the_wrong_place_is_not_repeated(hub, preset):
    token = hub.token()
    for arguments in (
        {"handle": token},
        {"handle": f"hf://{token}@user/tiny"},
        {"handle": HANDLE, "revision": f" {token}"},
        {"handle": HANDLE, "token": f"{token}\n"},
    ):
        assert_fails(hub, "must be", krp.push_to_hub, preset, **arguments)
