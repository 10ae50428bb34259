"""Training, fine-tuning and evaluation of presets, for which the extra `training` is needed."""

from keras_resblocks_plugin.training._distribution import DistributionConfig
from keras_resblocks_plugin.training._evaluate import EvaluateConfig, evaluate
from keras_resblocks_plugin.training._interim import (
    ClassificationConfig,
    DetectionConfig,
    FinetuneConfig,
    SegmentationConfig,
    finetune,
)
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
    "ClassificationConfig",
    "DetectionConfig",
    "DistributionConfig",
    "EvaluateConfig",
    "FinetuneConfig",
    "Optimizer",
    "Recipe",
    "Schedule",
    "SegmentationConfig",
    "TrainConfig",
    "evaluate",
    "finetune",
    "read_recipe",
    "train",
]
