"""Fine-tuning for classification."""

from keras_resblocks_plugin.training.classification._config import ClassificationConfig

__all__ = ["ClassificationConfig"]
