"""The command line of `finetune.py`."""

import pathlib

import finetune

from keras_resblocks_plugin.training import (
    ClassificationConfig,
    DistributionConfig,
    SegmentationConfig,
)


def read(*args: str):
    return finetune.read_config(finetune.parse_args([*args, "--data", "data", "--out", "run"]))


def test_arguments_become_a_configuration():
    places = {"preset": "hf://user/name", "data": "data", "out": pathlib.Path("run")}
    assert read("classification", "hf://user/name") == ClassificationConfig(**places)
    config = read("classification", "hf://user/name", "--data-parallel", "--strategy", "lora")
    distribution = DistributionConfig(data_parallel=True)
    assert config == ClassificationConfig(**places, strategy="lora", distribution=distribution)
    flags = "--class-names sky road --ignore-class 11 --image-size 32 40 --learning-rate 1e-2"
    assert read("segmentation", "hf://user/name", *flags.split()) == SegmentationConfig(
        **places,
        class_names=["sky", "road"],
        ignore_class=11,
        image_size=[32, 40],
        learning_rate=0.01,
    )
