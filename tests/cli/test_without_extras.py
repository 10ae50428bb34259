"""Without the extras, a command works or names the extra that it needs."""

from tests.cli.test_command import COMMANDS, TASKS
from tests.cli.without_extras import run_without_extras


def test_the_help_of_every_command_works(fresh_process):
    commands = [[name] for name in COMMANDS] + [["finetune", task] for task in TASKS]
    results = run_without_extras(fresh_process, *([*words, "--help"] for words in commands))
    for words, (code, output) in zip(commands, results, strict=True):
        assert code == 0
        assert output.startswith(f"Usage: keras-resblocks {' '.join(words)} ")


def test_the_other_commands_name_their_extra(fresh_process, recipe, tmp_path):
    data, out = ("--data", "data"), ("--out", tmp_path / "out")
    commands = [
        ("train", "data", "--recipe", recipe, *out),
        ("evaluate", "resblock_bn_small", *data, "--cache", tmp_path / "cache"),
        ("predict", "resblock_bn_small", "data", *out),
        ("explain", "resblock_bn_small", "cat.jpg"),
        *(("finetune", task, "resblock_bn_small", *data, *out) for task in TASKS),
        ("export", "resblock_bn_small", *out),
    ]
    results = run_without_extras(fresh_process, *commands)
    for (name, *_), (error, output) in zip(commands, results, strict=True):
        extra = "export" if name == "export" else "training"
        assert output == ""
        assert error.startswith("error: ")
        assert f"which the extra `{extra}` of `keras-resblocks-plugin` installs" in error
    assert not (tmp_path / "out").exists()


def test_presets_and_a_checkpoint_without_pytorch(fresh_process, tmp_path):
    checkpoint = tmp_path / "resnet18.pth"
    checkpoint.write_bytes(b"written by PyTorch")
    (code, listed), (error, output) = run_without_extras(
        fresh_process, ["presets"], ["convert", checkpoint, "--out", tmp_path / "preset"]
    )
    assert code == 0
    assert "resblock_bn_small" in listed
    assert output == ""
    assert error.startswith(f"error: `{checkpoint}` is a PyTorch checkpoint")
    assert "pip install torch" in error
    assert "\n" not in error
