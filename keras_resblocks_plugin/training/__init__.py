"""Training and fine-tuning of presets."""

from keras_resblocks_plugin.training._distribution import DistributionConfig
from keras_resblocks_plugin.training._finetune import finetune
from keras_resblocks_plugin.training.classification._config import ClassificationConfig
from keras_resblocks_plugin.training.detection._config import DetectionConfig
from keras_resblocks_plugin.training.finetuning._config import FinetuneConfig
from keras_resblocks_plugin.training.segmentation._config import SegmentationConfig

__all__ = [
    "ClassificationConfig",
    "DetectionConfig",
    "DistributionConfig",
    "FinetuneConfig",
    "SegmentationConfig",
    "finetune",
]
