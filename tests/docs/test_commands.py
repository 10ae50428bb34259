"""Every command line of the pages runs, in small, against the Hub's server of the tests."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

import keras_resblocks_plugin as krp
from tests.docs.made_data import publish_timm, save_photographs, save_streets
from tests.docs.pages import PAGES, ROOT, commands
from tests.tiny import tiny_classifier

# The start of each command that does not run here → why.
NOT_RUN = {
    "python3 -m venv": "`.ci/run` runs it, in a new environment",
    "python -m build": "`.ci/run` builds and installs the wheel",
    "pip install": "`.ci/run` builds and installs the wheel",
    "hf auth login": "asks for a token; the tests have one in HF_TOKEN",
    "export KERAS_BACKEND": "the tests have a backend; `.ci/run` runs them on each",
    "keras-resblocks train ILSVRC": "a cluster; tests/training runs it in small",
    "export HF_HOME": "the shared disk of a cluster",
    "python -c import datasets; datasets.load_dataset('ILSVRC": "downloads ImageNet",
    "keras-resblocks evaluate /shared": "the shared disk of a cluster",
    "keras-resblocks push /shared": "the shared disk of a cluster",
    "python scripts/study/choose_learning_rate.py": "tests/scripts runs it in small",
    "python scripts/study/predict_memory.py": "minutes of measuring",
    "python scripts/study/stream_memory.py": "minutes of measuring",
    "python scripts/benchmark/loading.py": "needs timm; tests/scripts runs it in small",
    "python scripts/study/study.py": "hours; tests/scripts runs it in small",
    "python scripts/study/compare_finetuning.py": "an hour; tests/scripts runs it in small",
    "python scripts/study/count_timm.py": "half an hour; tests/scripts runs it in small",
    "python scripts/study/compare_runs.py": "needs runs; tests/scripts runs it in small",
    "python scripts/docs/report.py": "measures latency; tests/scripts runs it in small",
    "python scripts/docs/tables.py": "writes into the repository; tests/scripts runs it elsewhere",
    "python scripts/docs/published.py": "needs timm, and writes into the package",
    "python scripts/benchmark/benchmark_accelerator.py": "tests/scripts runs it in small",
    "python scripts/benchmark/benchmark.py": "an hour; tests/scripts runs it in small",
    "python scripts/benchmark/benchmark_torch.py": "needs timm, and a machine that is at rest",
    "git": "makes a release",
    "mkdocs build": "needs the extra `docs`; `.ci/run` builds the documentation",
    ".venv/bin/pytest": "this is pytest",
    "KERAS_BACKEND=": "this is pytest; `.ci/run` runs it on each backend",
}
# The start of a command → what makes it small.
IN_SMALL = {
    # One more than the recipe's warm-up.
    "keras-resblocks train": ["--epochs", "6"],
    "keras-resblocks finetune": ["--epochs", "1", "--batch-size", "4"],
    "keras-resblocks finetune segmentation": ["--image-size", "64", "64"],
    "keras-resblocks export": ["--runs", "1"],
    "keras-resblocks benchmark": ["--loads", "1", "--runs", "1", "--largest-batch", "2"],
}


def in_this_environment(command: str) -> list[str]:
    """The words of a command, run by the Python of the tests and in small."""
    more = [
        word for start, words in IN_SMALL.items() if command.startswith(start) for word in words
    ]
    program, *words = shlex.split(command)
    if program == "keras-resblocks":
        # What the console script does.
        code = "import sys; from keras_resblocks_plugin.cli import main; sys.exit(main())"
        return [sys.executable, "-c", code, *words, *more]
    assert program == "python", f"no test runs `{command}`"
    return [sys.executable, *words, *more]


def make_tiny_imagenet(folder, hub) -> None:
    known = krp.ResBlockImageClassifier.from_preset("resblock_bn_small").class_names
    save_photographs(folder / "tiny-imagenet-190", known, train=270, validation=20)
    save_photographs(folder / "tiny-imagenet-100", known[:100], train=140, validation=20)
    save_photographs(folder / "tiny-imagenet-10", known[:10], train=20, validation=10)


def make_birds(folder, hub) -> None:
    save_photographs(folder / "birds", ["robin", "wren"], train=8, validation=4)


def make_camvid(folder, hub) -> None:
    save_streets(folder / "camvid-small", 11, train=8, validation=4, test=4)


def make_run(folder, hub) -> None:
    # A page that has data makes the run itself.
    if not (folder / "tiny-imagenet-10").exists():
        tiny_classifier().save_to_preset(str(folder / "runs/classification/preset"))


def copy_photograph(folder, hub) -> None:
    shutil.copy(ROOT / "presets/resblock_bn_small/samples/cat.jpg", folder)


# What a page names and its readers bring along → how it is made, in this order.
BROUGHT = {
    "tiny-imagenet": make_tiny_imagenet,
    "--data birds": make_birds,
    "camvid": make_camvid,
    "runs/classification": make_run,
    "cat.jpg": copy_photograph,
    "timm/": publish_timm,
}


def runnable(page: str, export: bool = False) -> list[str]:
    """The commands of a page that run here: those that export, or the others."""
    lines = [line for line in commands(page) if not line.startswith(tuple(NOT_RUN))]
    return [line for line in lines if line.startswith("keras-resblocks export") == export]


def run_in_order(lines, folder, hub) -> None:
    for name, make in BROUGHT.items():
        if any(name in line for line in lines):
            make(folder, hub)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    for line in lines:
        process = subprocess.run(
            in_this_environment(line),
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, f"{line}\n{process.stdout}\n{process.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)])
def test_the_commands_of_a_page_run_in_order(page, folder, hub):
    run_in_order(runnable(page), folder, hub)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page, export=True)])
def test_the_exports_of_a_page_run(page, folder, hub):
    # Without the extra `export`, all but one format are left out; `.ci/run` runs this with it, too.
    run_in_order(runnable(page, export=True), folder, hub)


def test_all_that_does_not_run_is_on_a_page():
    lines = [line for page in PAGES for line in commands(page)]
    assert [start for start in NOT_RUN if not any(line.startswith(start) for line in lines)] == []
