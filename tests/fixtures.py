"""A dataset, a recipe, and the scripts as a shell runs them."""

import os
import pathlib
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).parents[1]
SCRIPTS = _ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """120 training and 30 validation images of three classes."""
    from tests.made_data import photographs, save_dataset

    folder = tmp_path_factory.mktemp("data") / "colours"
    return save_dataset(folder, train=photographs(120, 0), validation=photographs(30, 1))


@pytest.fixture(scope="session")
def recipe(tmp_path_factory):
    """A recipe that a test can afford, with everything in it that a recipe can ask for."""
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
    """Starts a script in a process of its own, with these variables besides."""
    path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(SCRIPTS / name), *map(str, args)],
        env={**os.environ, "PYTHONPATH": path, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


@pytest.fixture
def run_script(tmp_path):
    """`run_script(name, *args)` → exit code, output, errors; in an empty working folder."""

    def run(name, *args):
        process = start_script(name, *args, cwd=tmp_path)
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors

    return run
