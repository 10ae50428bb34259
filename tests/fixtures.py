"""Fixtures that several folders of tests share: a preset, a dataset, a recipe, and scripts."""

import importlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).parents[1]
SCRIPTS = _ROOT / "scripts"
sys.path[:0] = [str(SCRIPTS / folder) for folder in ("", "study", "benchmark", "docs")]


@pytest.fixture(scope="session")
def saved_preset(tmp_path_factory):
    """The preset of a tiny classifier; tests must not change it."""
    from tests.tiny import tiny_classifier

    folder = tmp_path_factory.mktemp("saved") / "preset"
    tiny_classifier().save_to_preset(folder)
    return folder


@pytest.fixture
def folder(saved_preset, tmp_path):
    """A copy of a tiny classifier's preset."""
    return shutil.copytree(saved_preset, tmp_path / "preset")


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """120 training and 30 validation images of three classes."""
    from tests.made_data import photographs, save_dataset

    folder = tmp_path_factory.mktemp("data") / "colours"
    return save_dataset(folder, train=photographs(120, 0), validation=photographs(30, 1))


@pytest.fixture(scope="session")
def recipe(tmp_path_factory):
    """A recipe that trains within seconds and sets most of the options."""
    file = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    file.write_text(
        """
        image_size = 32
        epochs = 3
        batch_size = 20
        learning_rate = 0.05
        warmup_epochs = 1
        zoom = 0.1
        mixup_alpha = 0.2
        cutmix_probability = 0.5
        dropout = 0.1
        ema_momentum = 0.5
        holdout = 0.1

        [backbone]
        block_type = "bn"
        stackwise_num_filters = [8, 16]
        stackwise_num_blocks = [1, 1]
        stackwise_num_strides = [2, 2]
        input_conv_filters = [8]
        input_conv_kernel_sizes = [3]
        input_conv_strides = [1]
        """
    )
    return file


@pytest.fixture(scope="session")
def messy(tmp_path_factory):
    """A folder of images by class, in many sizes and modes, one of them damaged."""
    from tests.made_data import photographs

    folder = tmp_path_factory.mktemp("messy") / "Fotos"
    modes = ["RGB", "L", "P", "CMYK", "RGBA", "1"]
    for split, count in {"train": 36, "validation": 18}.items():
        for index, image in enumerate(photographs(count, 0)["image"]):
            name = ("rød", "grün", "青")[index % 3]
            mode = modes[index // 3 % len(modes)]
            suffix = "jpg" if mode == "CMYK" else "png"
            file = folder / split / name / f"Bild {index} é.{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            image.resize((30 + index, 40)).convert(mode).save(file)
            if index == 4:
                file.write_bytes(file.read_bytes()[:50])
    return folder


def start_script(name: str | pathlib.Path, *args, env=None, **kwargs) -> subprocess.Popen:
    """Starts a script in its own process, with `env` added to the environment."""
    path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(SCRIPTS / name), *map(str, args)],
        env={**os.environ, "PYTHONPATH": path, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def call_script(name: str, *args) -> None:
    """Runs a script in this process. Its errors are raised."""
    script, arguments = importlib.import_module(name.removesuffix(".py")), [*map(str, args)]
    if hasattr(script, "app"):
        script.app.meta([*arguments, "--debug"])
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [name, *arguments])
        script.main(script.parse_args())


@pytest.fixture
def run_script(tmp_path):
    """`run_script(name, *args)` runs a script in an empty folder.

    It returns the exit code, the output and the errors.
    """

    def run(name, *args):
        process = start_script(name, *args, cwd=tmp_path)
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors

    return run
