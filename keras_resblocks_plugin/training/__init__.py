"""Training and evaluation of presets, for which the extra `training` is needed."""

from keras_resblocks_plugin.training._distribution import DistributionConfig
from keras_resblocks_plugin.training._evaluate import EvaluateConfig, evaluate
from keras_resblocks_plugin.training._recipe import (
    Augmentation,
    Optimizer,
    Recipe,
    Schedule,
    read_recipe,
)
from keras_resblocks_plugin.training._train import TrainConfig, train

__all__ = [
    "Augmentation",
    "DistributionConfig",
    "EvaluateConfig",
    "Optimizer",
    "Recipe",
    "Schedule",
    "TrainConfig",
    "evaluate",
    "read_recipe",
    "train",
]

from keras_resblocks_plugin.training._interim import (
    ClassificationConfig,
    DetectionConfig,
    FinetuneConfig,
    SegmentationConfig,
    finetune,
)

__all__ += [
    "ClassificationConfig",
    "DetectionConfig",
    "FinetuneConfig",
    "SegmentationConfig",
    "finetune",
]
