"""The README does what it says: its Python runs, from the first line to the last."""

import pathlib
import re

import numpy as np

README = pathlib.Path(__file__).parent.parent / "README.md"


def test_the_python_of_the_readme_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    # What the reader brings along: raw images and their labels.
    names = {
        "images": rng.integers(0, 256, (10, 80, 60, 3)).astype("float32"),
        "labels": np.arange(10),
    }
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) >= 5
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
        for expression, expected in re.findall(r"^(\S.*\.shape)  # (\(.*\))$", block, re.MULTILINE):
            assert str(tuple(eval(expression, names))) == expected
        for expression, expected in re.findall(r"^(\S.*\.keys\(\))  # (.*)$", block, re.MULTILINE):
            assert ", ".join(eval(expression, names)) == expected


def test_every_link_into_the_repository_leads_somewhere():
    links = re.findall(r"\]\(([^):#]+)\)", README.read_text())
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
