"""The scripts that users run have the command lines that they always had."""

import importlib
import itertools
import shlex

import pytest

from keras_resblocks_plugin.cli._command_line import run
from tests.fixtures import start_script

COLUMNS = "--image-column i --label-column l --skip-unreadable"
CARD = "--license mit --data-license cc0"
DEVICES = "--data-parallel --job-addresses host:1 --num-processes 2 --process-id 0"
TUNE = (
    "--data d --out o --epochs 2 --batch-size 3 --learning-rate 0.1 --weight-decay 0.2 "
    "--strategy lora --rank 2 --update-batch-norm --from-scratch --train-split a "
    f"--validation-split b --image-column i --skip-unreadable --dtype float32 {CARD} --seed 1"
)
# Every argument of each.
COMMAND_LINES = [
    "train.py recipe.toml --data d --out o --preset p --start s --validation-split v "
    f"{COLUMNS} {CARD} --bfloat16 --seed 1 --epochs 2 --dtype mixed_bfloat16 {DEVICES}",
    f"finetune.py classification p {TUNE} --label-column l --images-per-class 5 "
    f"--held-out-per-class 1 {DEVICES}",
    f"finetune.py segmentation p {TUNE} --test-split t --mask-column m --ignore-class 3 "
    "--class-values 0 1 2 --class-names sky road car --image-size 30 40",
    f"finetune.py detection p {TUNE} --objects-column o --skip-bad-boxes --image-size 64",
    f"evaluate.py p --data d --out o --split s --cache c {COLUMNS} --batch-size 5",
    "export.py p --out o --formats onnx litert-int8 --with-preprocessing --data d --split s "
    "--calibration-split t --calibration-images 5 --cache c "
    f"{COLUMNS} --runs 0 --readme r",
    "explain.py cat.jpg --preset p --out o",
    "convert.py timm/resnet18 --out o --class-names n --image-size 9 --mean 0.1 0.2 0.3 "
    "--std 1 2 3 --data d --license mit",
    "push_to_hub.py p hf://a/b --private --revision r --overwrite-card --dry-run",
    "push_to_hub.py p hf://a/b --public --create-pr",
    "pull_from_hub.py hf://a/b --name n --dry-run",
    "pull_from_hub.py --list",
    "pull_from_hub.py --remove n",
    "quickstart.py --preset p --out o",
]


def app_of(script: str):
    return importlib.import_module(script.removesuffix(".py")).app


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_every_argument_is_known(line):
    script, *tokens = shlex.split(line)
    _, bound, _ = app_of(script).parse_args(tokens)
    assert len(bound.kwargs) == len([token for token in tokens if token.startswith("--")])
    # The first word of `finetune.py` is the command.
    words = [*itertools.takewhile(lambda token: not token.startswith("--"), tokens)]
    assert [str(value) for value in bound.args] == words[script == "finetune.py" :]


@pytest.mark.parametrize("script", sorted({line.split()[0] for line in COMMAND_LINES}))
def test_the_help_has_an_example(script, capsys):
    run(app_of(script), ["--help"])
    output = capsys.readouterr().out
    assert f"Usage: {script} " in output
    example = " ".join(output.split()).split(f"example: python scripts/{script} ")[1]
    # It has every argument that is required.
    app_of(script).parse_args(shlex.split(example), exit_on_error=False, print_error=False)


def test_a_shell_runs_a_script(tmp_path):
    process = start_script("push_to_hub.py", "nowhere", "hf://user/name", cwd=tmp_path)
    output, errors = process.communicate(timeout=300)
    assert (process.returncode, output) == (1, "")
    assert errors.splitlines()[-1].startswith("error: `preset` must be the name of a preset")
