"""The Python of every page runs, from its first line to its last, and gives what the page says."""

import re

import numpy as np
import pytest

from tests.docs.made_data import publish_timm, save_class_folders
from tests.docs.pages import PAGES, blocks
from tests.tiny import tiny_classifier


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_the_python_of_a_page_runs_in_order(page, folder, hub, capsys):
    rng = np.random.default_rng(0)
    # What the reader brings along: raw images, their labels, and a run that has trained.
    names = {
        "images": rng.integers(0, 256, (10, 80, 60, 3)).astype("float32"),
        "labels": np.arange(10),
    }
    tiny_classifier().save_to_preset(str(folder / "runs/mine/preset"))
    (folder / "runs/mine/checkpoints").mkdir()
    tiny_classifier().save_weights(folder / "runs/mine/checkpoints/best.weights.h5")
    publish_timm(folder, hub)
    save_class_folders(folder / "photographs", ["robin", "wren"], 5)
    for block in blocks(page, "python"):
        if "import ray" in block.text:
            # tests/prediction/test_ray.py runs it, where Ray is installed.
            continue
        capsys.readouterr()
        exec(compile(block.text, page, "exec"), names)
        if block.output is not None:
            assert capsys.readouterr().out == block.output
        for expression, expected in _shown(r"\S.*\.shape", block.text):
            assert str(tuple(eval(expression, names))) == expected
        for expression, expected in _shown(r"\S.*\.keys\(\)", block.text):
            assert ", ".join(eval(expression, names)) == expected


def _shown(expression: str, text: str) -> list[tuple[str, str]]:
    return re.findall(rf"^({expression})  # (.*)$", text, re.MULTILINE)


def test_a_page_imports_the_package_before_it_uses_it():
    for page in PAGES:
        python = "".join(block.text for block in blocks(page, "python"))
        if "krp." in python:
            assert "import keras_resblocks_plugin as krp" in python.partition("krp.")[0], page
