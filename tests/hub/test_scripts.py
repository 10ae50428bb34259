"""`keras-resblocks push` and `pull`, and their scripts, as a shell sees them."""

import contextlib
import io
import pathlib
import runpy
import sys

import pytest

import keras_resblocks_plugin as krp
from tests.cli.without_extras import run_without_extras
from tests.hub.outcomes import contents, on_hub

_SCRIPTS = pathlib.Path(__file__).parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch):
    """`script(name, *args)` → exit code, output, errors; of a script run in this process."""
    monkeypatch.syspath_prepend(str(_SCRIPTS))

    def run(name, *args):
        monkeypatch.setattr(sys, "argv", [name, *map(str, args)])
        code, output, errors = 0, io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                runpy.run_path(str(_SCRIPTS / name), run_name="__main__")
            except SystemExit as end:
                code = end.code
                if isinstance(code, str):
                    # The interpreter prints a message that a process exits with.
                    print(code, file=sys.stderr)
                    code = 1
        # The fixture `hub` searches the output for tokens.
        print(output.getvalue(), errors.getvalue())
        return code or 0, output.getvalue(), errors.getvalue()

    return run


def test_the_commands_need_no_extra(hub, preset, fresh_process):
    push, pull, presets = run_without_extras(
        fresh_process,
        ["push", preset, "hf://user/name", "--private"],
        ["pull", "hf://user/name", "--name", "pulled"],
        ["presets"],
    )
    commit = hub.repo().find().id
    assert push[0] == 0
    assert f"{hub.url}/user/name/commit/{commit}" in push[1]
    assert on_hub(hub, "user/name") == contents(preset)
    assert hub.repo().private
    assert (pull[0], f"Pulled commit {commit}" in pull[1]) == (0, True)
    (line,) = [line for line in presets[1].splitlines() if line.startswith("pulled ")]
    assert line.endswith("parameters  hub, hf://user/name")


def test_push_and_pull(hub, preset, script):
    code, output, _ = script("push_to_hub.py", preset, "hf://user/name", "--private")
    commit = hub.repo().find().id
    assert code == 0
    assert (
        f"Pushed {len(contents(preset)) + 1} files: {hub.url}/user/name/commit/{commit}" in output
    )
    assert 'keras_hub.models.ImageClassifier.from_preset("hf://user/name")' in output
    assert hub.repo().private
    code, output, _ = script("push_to_hub.py", preset, "hf://user/name")
    assert (code, "has all of it already" in output) == (0, True)

    code, output, _ = script("pull_from_hub.py", "hf://user/name", "--name", "scripted")
    assert (code, f"Pulled commit {commit}" in output) == (0, True)
    assert 'from_preset("scripted")' in output
    code, output, _ = script("pull_from_hub.py", "--list")
    assert (code, f"scripted: hub, hf://user/name at {commit[:12]}" in output) == (0, True)
    code, output, _ = script("pull_from_hub.py", "--remove", "scripted")
    assert (code, "scripted" in output, "scripted" in krp.list_presets()) == (0, True, False)


def test_dry_runs_change_nothing(hub, preset, script):
    code, output, _ = script("push_to_hub.py", preset, "hf://user/name", "--dry-run")
    assert code == 0
    assert all(f"  {path}\n" in output for path in (*contents(preset), "README.md"))
    assert hub.repos == {}
    krp.push_to_hub(preset, "hf://user/name")
    code, output, _ = script("pull_from_hub.py", "hf://user/name", "--dry-run")
    assert (code, hub.repo().find().id in output, "  config.json\n" in output) == (0, True, True)
    assert "name" not in krp.list_presets()


def test_branches_and_pull_requests(hub, preset, script):
    script("push_to_hub.py", preset, "hf://user/name", "--revision", "dev")
    assert on_hub(hub, "user/name", "dev") == contents(preset)
    _, output, _ = script("push_to_hub.py", preset, "hf://user/name", "--create-pr")
    assert f"{hub.url}/user/name/discussions/1" in output
    assert on_hub(hub, "user/name") == {}


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("push_to_hub.py", "nowhere", "hf://user/name"), "Closest names"),
        (("push_to_hub.py", "PRESET", "user/name"), "`handle` must be `hf://user/name`"),
        (("pull_from_hub.py", "hf://user/absent"), "`hf://user/absent` does not exist"),
        (("pull_from_hub.py", "hf://user/absent", "--name", "a/b"), "`name` must be a plain name"),
        (("pull_from_hub.py", "--remove", "absent"), "`name` must be one that was"),
    ],
)
def test_errors_are_one_line_and_exit_with_1(hub, preset, script, args, error):
    code, _, errors = script(*(preset if arg == "PRESET" else arg for arg in args))
    assert code == 1
    assert errors.splitlines()[-1].startswith("error: ")
    assert error in errors.splitlines()[-1]
    assert "Traceback" not in errors


def test_debug_has_the_traceback(hub, script):
    with pytest.raises(krp.hub.NotFoundError):
        script("pull_from_hub.py", "hf://user/absent", "--debug")


def test_wrong_usage_exits_with_2(script):
    assert script("push_to_hub.py")[0] == 2
    assert script("pull_from_hub.py", "hf://user/name", "--list")[0] == 2
