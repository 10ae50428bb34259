"""The package works on JAX and PyTorch where TensorFlow is not installed."""

import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys
import tomllib

import keras
import pytest

ROOT = pathlib.Path(__file__).parents[1]
WORKFLOW = ROOT / "tests" / "workflow_without_tensorflow.py"
TRAINING = ROOT / "tests" / "training_without_tensorflow.py"


@pytest.mark.skipif(
    keras.config.backend() == "tensorflow", reason="TensorFlow is the backend of this run."
)
@pytest.mark.parametrize("workflow", [WORKFLOW, TRAINING], ids=lambda file: file.stem)
def test_hidden_tensorflow(fresh_process, tmp_path, workflow):
    code = """
import runpy
import sys
import tests.hide_tensorflow
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""
    fresh_process(code, workflow, tmp_path / "folder")


@pytest.mark.slow
def test_environment_without_tensorflow(tmp_path):
    # The wheel and KerasHub come without what they depend on, which comes by name.
    kerashub = importlib.metadata.version("keras-hub")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *importlib.metadata.requires("keras-hub")]
    needed = [
        requirement
        for requirement in needed
        if "extra ==" not in requirement
        and not re.match(r"(tensorflow|tensorflow-text|keras-hub)\b", requirement)
    ]
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheel", ROOT)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    run(*pip, "install", "--quiet", "jax", *needed)
    run(*pip, "install", "--quiet", "--no-deps", f"keras-hub=={kerashub}", wheel)

    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["KERAS_BACKEND"] = "jax"
    # `-P` keeps this checkout off the path: the wheel is imported.
    run(python, "-P", WORKFLOW, tmp_path / "preset", env=environment, cwd=tmp_path)


def run(*command, **kwargs):
    process = subprocess.run(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kwargs
    )
    assert process.returncode == 0, process.stdout
