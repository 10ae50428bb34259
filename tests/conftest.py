"""Temporary caches, fixed seeds, and fresh interpreters for all tests."""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile

# Keras and the Hub's client read these variables when they are imported.
_HOME = tempfile.TemporaryDirectory(prefix="keras_resblocks_plugin_tests_")
os.environ["KERAS_HOME"] = os.path.join(_HOME.name, "keras")
os.environ["HF_HOME"] = os.path.join(_HOME.name, "huggingface")
os.environ["HF_HUB_DISABLE_XET"] = "1"
# No test reaches the real Hub. Nothing listens on this port until tests/hub starts a server.
with socket.create_server(("127.0.0.1", 0)) as _port:
    os.environ["HF_ENDPOINT"] = "http://{}:{}".format(*_port.getsockname())
os.environ["NO_PROXY"] = "127.0.0.1,localhost"
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
for _name in ("HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_DATASETS_CACHE", "HF_TOKEN"):
    os.environ.pop(_name, None)

import keras  # noqa: E402
import pytest  # noqa: E402

pytest.register_assert_rewrite("tests.blocks.contract", "tests.helpers")

pytest_plugins = ["tests.fixtures", "tests.hub.running"]
_ROOT = pathlib.Path(__file__).parent.parent


# No backend changes the results of these tests: they wait for processes and servers, or compare
# names and the first bytes of files.
_ON_ONE_BACKEND = tuple(
    _ROOT / "tests" / name
    for name in (
        *("cli", "docs", "hub", "scripts"),
        *("convert/test_file_kinds.py", "convert/test_labels.py", "convert/test_timm_config.py"),
        *("registry/test_published.py", "saving/test_other_formats.py"),
        *("saving/test_one_save.py", "utils/test_replace.py"),
    )
)


def pytest_collection_modifyitems(items):
    for item in items:
        if set(_ON_ONE_BACKEND) & {item.path, *item.path.parents}:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def seeded():
    """Seeds each test, so that its random numbers do not depend on the tests before it."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def one_group(monkeypatch):
    """Lets group norm take any number of channels, which BiT's 32 groups must divide."""
    from keras_resblocks_plugin.blocks import BiTResidualBlock

    monkeypatch.setattr(BiTResidualBlock, "norm_groups", 1)


@pytest.fixture
def fresh_process(tmp_path):
    """`fresh_process(code, *args)` runs Python code in a new interpreter and returns its output.

    The interpreter uses the same backend and temporary caches, and starts in an empty folder.
    If it fails, the test fails with its error output.
    """

    def run(code: str, *args, **env: str) -> str:
        folder = tmp_path / "fresh_process"
        folder.mkdir(exist_ok=True)
        path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
        process = subprocess.run(
            [sys.executable, "-c", code, *map(str, args)],
            env={**os.environ, "PYTHONPATH": path, **env},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if process.returncode:
            pytest.fail(f"The process ended with {process.returncode}:\n{process.stderr}")
        return process.stdout

    return run
