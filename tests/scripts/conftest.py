"""Small made datasets, and the scripts as a shell runs them."""

import os
import pathlib
import subprocess
import sys

import datasets
import numpy as np
import pytest
from PIL import Image

_ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = _ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

CLASSES = ["red", "green", "blue"]


def photographs(count: int, seed: int) -> dict[str, list]:
    """Noisy images whose strongest channel is their class; every fifth is larger and not square."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for index in range(count):
        label = index % len(CLASSES)
        shape = (48, 40, 3) if index % 5 == 0 else (32, 32, 3)
        pixels = rng.integers(0, 128, shape)
        pixels[..., label] += 100
        images.append(Image.fromarray(pixels.astype("uint8")))
        labels.append(label)
    return {"image": images, "label": labels}


def save_dataset(folder: pathlib.Path, **splits: dict[str, list]) -> pathlib.Path:
    """Parquet files in the layout of the `datasets` library."""
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=CLASSES))
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in splits.items():
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{name}-00000-of-00001.parquet")
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """120 training and 30 validation images of three classes."""
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


@pytest.fixture
def small_comparison(monkeypatch):
    """One candidate and few steps for two strategies; the code is that of the whole comparison."""
    import compare_finetuning

    for name, value in {
        "STRATEGIES": ("scratch", "linear"),
        "STEPS": {5: 2, 10: 3},
        "BATCH_SIZE": 10,
        # Nothing is learnt at the second of the rates.
        "CANDIDATES": {"scratch": (1e-3, 1e-12), "linear": (1e-2, 1e-12)},
        "CHOICE": {"seed": 100, "held_out": 5},
        "MOST_TO_CHOOSE": 5,
    }.items():
        monkeypatch.setattr(compare_finetuning, name, value)


@pytest.fixture
def small_study(monkeypatch):
    """A study that a test can afford."""
    import _study_nets
    import study

    monkeypatch.setitem(_study_nets.NETS, "bn", _study_nets.Net("bn", blocks=1, widths=(4,)))
    monkeypatch.setattr(study, "CLASSES", 2)
    monkeypatch.setattr(study, "EPOCHS", 2)
    monkeypatch.setattr(study, "BATCH_SIZE", 16)
