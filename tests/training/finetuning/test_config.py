"""The configurations of fine-tuning: defaults, checks, and what a run records of them."""

import pathlib

import pytest

from keras_resblocks_plugin.training import (
    ClassificationConfig,
    DetectionConfig,
    DistributionConfig,
    FinetuneConfig,
    SegmentationConfig,
    finetune,
)

PLACES = {"preset": "resblock_bn_small", "data": "data", "out": pathlib.Path("run")}
SHARED = {
    "learning_rate": 0.001,
    "weight_decay": 0.0001,
    "strategy": "full",
    "rank": None,
    "update_batch_norm": False,
    "from_scratch": False,
    "train_split": "train",
    "validation_split": "validation",
    "image_column": "image",
    "skip_unreadable": False,
    "dtype": "float32",
    "seed": 0,
}


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        (
            ClassificationConfig(**PLACES, license="mit", data_license="mit"),
            {
                **{"task": "classification", "epochs": 30, "batch_size": 50, **SHARED},
                **{"label_column": "label", "images_per_class": None, "held_out_per_class": 0},
            },
        ),
        (
            # The devices of a run do not change its settings.
            ClassificationConfig(
                **PLACES, strategy="lora", distribution=DistributionConfig(data_parallel=True)
            ),
            {
                **{"task": "classification", "epochs": 30, "batch_size": 50, **SHARED},
                **{"label_column": "label", "images_per_class": None, "held_out_per_class": 0},
                "strategy": "lora",
            },
        ),
        (
            SegmentationConfig(**PLACES, class_names=["a", "b"], image_size=(32, 40)),
            {
                **{"task": "segmentation", "epochs": 30, "batch_size": 8, **SHARED},
                **{"test_split": "test", "mask_column": "mask", "ignore_class": None},
                **{"class_values": None, "class_names": ["a", "b"], "image_size": (32, 40)},
            },
        ),
        (
            DetectionConfig(**PLACES),
            {
                **{"task": "detection", "epochs": 20, "batch_size": 32, **SHARED},
                **{"learning_rate": 0.0005, "objects_column": "objects"},
                **{"skip_bad_boxes": False, "image_size": None},
            },
        ),
    ],
)
def test_a_run_records_its_settings_as_earlier_versions_did(config, settings):
    assert config.settings() == settings
    assert list(config.settings()) == list(settings)


@pytest.mark.parametrize(
    ("config", "options", "words"),
    [
        (DetectionConfig, {"epochs": 0}, "`epochs` must be above zero. Received: epochs=0"),
        (DetectionConfig, {"batch_size": -1}, "`batch_size` must be above zero"),
        (DetectionConfig, {"learning_rate": float("nan")}, "`learning_rate` must be above zero"),
        (DetectionConfig, {"strategy": "head"}, "`strategy` must be one of 'linear', 'norm'"),
        (DetectionConfig, {"rank": 2}, "`rank` needs `strategy='lora'`.*strategy='full'"),
        (DetectionConfig, {"rank": 0, "strategy": "lora"}, "`rank` must be above zero"),
        (DetectionConfig, {"from_scratch": True, "strategy": "norm"}, "no trained weights"),
        (DetectionConfig, {"image_size": 0}, "`image_size` must be above zero"),
        (ClassificationConfig, {"images_per_class": 0}, "`images_per_class` must be one or more"),
        (ClassificationConfig, {"held_out_per_class": -1}, "`held_out_per_class` zero or more"),
        (SegmentationConfig, {"image_size": (0, 8)}, "`image_size` must be a height and a width"),
        (
            SegmentationConfig,
            {"class_values": [0, 9], "class_names": ["a"]},
            "`class_names` must have a name for each of `class_values`.*1 names and 2 values",
        ),
    ],
)
def test_bad_values_are_refused(config, options, words):
    with pytest.raises(ValueError, match=words):
        config(**PLACES, **options)


def test_only_the_configuration_of_a_task_can_be_run():
    shared = FinetuneConfig(**PLACES, epochs=1, batch_size=1, learning_rate=1.0)
    with pytest.raises(TypeError, match="`config` must be a `ClassificationConfig`, a"):
        finetune(shared)


@pytest.mark.slow
def test_without_the_extra_a_configuration_is_made_and_the_error_names_the_extra(fresh_process):
    output = fresh_process("""
import pathlib, sys
for name in ("datasets", "matplotlib", "PIL", "pycocotools"):
    sys.modules[name] = None
from keras_resblocks_plugin.training import DetectionConfig, finetune
config = DetectionConfig(preset="a", data="b", out=pathlib.Path("c"))
try:
    finetune(config)
except ImportError as error:
    print(error)
""")
    assert "`datasets`, `matplotlib`, `PIL`, which the extra `training`" in output


@pytest.mark.slow
def test_importing_the_package_imports_no_training(fresh_process):
    output = fresh_process("""
import sys
import keras_resblocks_plugin
print([name for name in sys.modules if name.startswith("keras_resblocks_plugin.training")])
""")
    assert output.strip() == "[]"
