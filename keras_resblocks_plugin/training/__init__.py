"""Training, fine-tuning and evaluation of presets, for which the extra `training` is needed."""

from keras_resblocks_plugin.training._distribution import DistributionConfig
from keras_resblocks_plugin.training._evaluate import EvaluateConfig, evaluate
from keras_resblocks_plugin.training._finetune import finetune
from keras_resblocks_plugin.training._preempted import Preempted
from keras_resblocks_plugin.training._recipe import (
    Augmentation,
    Optimizer,
    Recipe,
    Schedule,
    read_recipe,
)
from keras_resblocks_plugin.training._recipe_source import recipe_names
from keras_resblocks_plugin.training._train import TrainConfig, train
from keras_resblocks_plugin.training.classification._config import ClassificationConfig
from keras_resblocks_plugin.training.detection._config import DetectionConfig
from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig
from keras_resblocks_plugin.training.segmentation._config import SegmentationConfig

__all__ = [
    "Augmentation",
    "ClassificationConfig",
    "DetectionConfig",
    "DistributionConfig",
    "EvaluateConfig",
    "FinetuneConfig",
    "Optimizer",
    "Preempted",
    "Recipe",
    "Schedule",
    "SegmentationConfig",
    "TrainConfig",
    "evaluate",
    "finetune",
    "read_recipe",
    "recipe_names",
    "train",
]
