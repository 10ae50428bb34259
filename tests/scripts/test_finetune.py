"""The command line of `finetune.py`."""

import pathlib

import pytest

from keras_resblocks_plugin.cli import _finetune
from keras_resblocks_plugin.training import (
    ClassificationConfig,
    DistributionConfig,
    SegmentationConfig,
)
from tests.fixtures import call_script


@pytest.fixture
def read(monkeypatch):
    """`read(*args)` → the configuration that the script would run."""
    configs = []
    monkeypatch.setattr(_finetune, "_finetune", configs.append)

    def read(*args: str):
        call_script("finetune", *args, "--data", "data", "--out", "run")
        return configs.pop()

    return read


def test_arguments_become_a_configuration(read):
    places = {"preset": "hf://user/name", "data": "data", "out": pathlib.Path("run")}
    assert read("classification", "hf://user/name") == ClassificationConfig(**places)
    config = read("classification", "hf://user/name", "--data-parallel", "--strategy", "lora")
    distribution = DistributionConfig(data_parallel=True)
    assert config == ClassificationConfig(**places, strategy="lora", distribution=distribution)
    flags = "--class-names sky road --ignore-class 11 --image-size 32 40 --learning-rate 1e-2"
    config = read("segmentation", "hf://user/name", *flags.split())
    assert (*config.class_names, *config.image_size) == ("sky", "road", 32, 40)
    same = {"class_names": config.class_names, "image_size": config.image_size}
    assert config == SegmentationConfig(**places, **same, ignore_class=11, learning_rate=0.01)
