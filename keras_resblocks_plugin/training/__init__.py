"""Training and fine-tuning of presets."""

from keras_resblocks_plugin.training._interim import (
    ClassificationConfig,
    DetectionConfig,
    DistributionConfig,
    EvaluateConfig,
    FinetuneConfig,
    SegmentationConfig,
    TrainConfig,
    evaluate,
    finetune,
    train,
)

__all__ = [
    "ClassificationConfig",
    "DetectionConfig",
    "DistributionConfig",
    "EvaluateConfig",
    "FinetuneConfig",
    "SegmentationConfig",
    "TrainConfig",
    "evaluate",
    "finetune",
    "train",
]
