"""The comparison with timm's loader runs in small."""

import importlib.util
import json
from pathlib import Path

import _loading
import pytest


def test_crops_of_photographs_are_pillows(tmp_path):
    files = _loading.make_jpegs(tmp_path, 4)
    # JPEGs of photographs have about two bits a pixel and more.
    assert all(file.stat().st_size > 500 * 375 / 4 for file in files)
    assert _loading.crop_difference(files) < 2


def test_both_loaders_are_timed(fresh_process):
    if not all(map(importlib.util.find_spec, ("torch", "timm"))):
        pytest.skip("`.ci/run` runs this file again once PyTorch and timm are installed.")
    run = (
        "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], None, '__main__')"
    )
    script = Path(_loading.__file__).with_name("loading.py")
    options = "--batch-size", 2, "--batches", 1, "--rounds", 1
    figures = json.loads(fresh_process(run, script, *options).splitlines()[-1])
    names = {"krp", "krp, scaled", "timm", "timm, scaled"}
    assert set(figures["images_per_second"]) == names
    assert len(figures["ratio"]) == 2
    assert figures["mean_levels_from_pillow"] < 2
