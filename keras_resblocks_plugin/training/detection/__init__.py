"""Fine-tuning for detection."""

from keras_resblocks_plugin.training.detection._config import DetectionConfig

__all__ = ["DetectionConfig"]
