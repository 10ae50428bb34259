"""The command `keras-resblocks` as a shell sees it: output, errors, exit codes."""

import importlib.metadata
import json
import pathlib
import pkgutil
import tomllib

import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.cli import main

COMMANDS = [
    *("train", "evaluate", "predict", "export", "benchmark", "explain"),
    *("convert", "push", "pull", "presets"),
]
TASKS = ["classification", "segmentation", "detection"]


def test_the_help_lists_every_command_with_a_summary(command):
    code, output, _ = command("--help")
    assert code == 0
    for name in ("finetune", *COMMANDS):
        (line,) = [line for line in output.splitlines() if line.startswith(f"│ {name} ")]
        assert len(line.strip("│ ").split()) > 4
    assert command()[1] == output


@pytest.mark.parametrize(
    "words", [*([name] for name in COMMANDS), *(["finetune", x] for x in TASKS)]
)
def test_the_help_of_a_command_describes_every_option_and_has_an_example(command, words):
    code, output, _ = command(*words, "--help")
    assert code == 0
    assert output.startswith(f"Usage: keras-resblocks {' '.join(words)} ")
    assert f"example: keras-resblocks {' '.join(words)} " in output
    rows = [line for line in output.splitlines() if line.startswith(("│ *  ", "│    --", "│ --"))]
    assert any("--debug" in row for row in rows)
    # The name and the type are followed by a description, on this line or the next.
    lines = output.splitlines()
    for row in rows:
        words = row.strip("│* ").split("  ", 1)
        following = lines[lines.index(row) + 1]
        assert len(words) == 2 or following.startswith("│     "), row


def test_the_version(command):
    version = importlib.metadata.version("keras-resblocks-plugin")
    assert command("--version") == (0, f"{version}\n", "")


def test_the_wheel_installs_the_command():
    project = tomllib.loads((pathlib.Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert pkgutil.resolve_name(project["project"]["scripts"]["keras-resblocks"]) is main


@pytest.mark.parametrize(
    "args",
    [
        ("psuh",),
        ("push", "only-a-preset"),
        ("push", "a", "hf://a/b", "--private", "--public"),
        ("push", "a", "hf://a/b", "--revision", "dev", "--create-pr"),
        ("pull",),
        ("pull", "hf://a/b", "--list"),
        ("export", "a", "--out", "b", "--formats", "gif"),
        ("finetune", "classification", "a", "--data", "b"),
        ("finetune", "flying"),
    ],
)
def test_wrong_usage_is_one_line_and_2(command, args):
    code, output, errors = command(*args)
    assert (code, output) == (2, "")
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("push", "nowhere", "hf://user/name"), "Closest names"),
        (("pull", "user/name"), "`handle` must be `hf://user/name`"),
        (("convert", "nowhere", "--out", "out"), "`source` must be a Hub handle"),
        (("explain", "nowhere", "nowhere.png"), "nowhere.png"),
        (("train", "data", "--recipe", "nowhere.toml", "--out", "out"), "nowhere.toml"),
        (("export", "nowhere", "--out", "out"), "nowhere"),
        (("evaluate", "nowhere", "--data", "data"), "nowhere"),
        (("predict", "nowhere", "data", "--out", "out", "--top", "0"), "`top` must be a positive"),
        *(
            (("finetune", task, "nowhere", "--data", "data", "--out", "out", "--rank", "2"), "rank")
            for task in TASKS
        ),
    ],
)
def test_a_failure_is_one_line_and_1(command, tmp_path, monkeypatch, args, error):
    monkeypatch.chdir(tmp_path)
    code, output, errors = command(*args)
    assert (code, output) == (1, "")
    assert errors.splitlines()[-1].startswith("error: ")
    assert error in errors.splitlines()[-1]
    assert "Traceback" not in errors


@pytest.mark.parametrize("place", [0, 3])
def test_debug_raises_the_error_for_its_traceback(place):
    args = ["push", "nowhere", "hf://user/name"]
    args.insert(place, "--debug")
    with pytest.raises(ValueError, match="Closest names"):
        main(args)


def test_presets_are_listed_with_their_parameters(command):
    code, output, _ = command("presets")
    assert code == 0
    known = krp.list_presets()
    for line, (name, preset) in zip(output.splitlines(), known.items(), strict=True):
        assert line.split()[:3] == [name, f"{preset['parameters']:,}", "parameters"]
        assert line.endswith(f"{preset['source']}, {preset['handle']}")
    assert json.loads(command("presets", "--json")[1]) == known


@pytest.mark.slow
def test_completion_is_installed_for_a_shell(fresh_process, tmp_path):
    code = "from keras_resblocks_plugin.cli import main; main()"
    fresh_process(code, "--install-completion", "--shell", "bash", HOME=str(tmp_path))
    (script,) = (file for file in tmp_path.rglob("*keras-resblocks*") if file.is_file())
    for words in ("classification", "--class-names", "--create-pr", "litert-int8"):
        assert words in script.read_text()
