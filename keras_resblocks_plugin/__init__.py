"""Residual blocks for KerasHub. Importing this registers the layers, tasks and presets."""

from keras_resblocks_plugin import blocks
from keras_resblocks_plugin.backbone import ResBlockBackbone
from keras_resblocks_plugin.image_classifier import (
    ResBlockImageClassifier,
    ResBlockImageClassifierPreprocessor,
    ResBlockImageConverter,
)

__all__ = [
    "ResBlockBackbone",
    "ResBlockImageClassifier",
    "ResBlockImageClassifierPreprocessor",
    "ResBlockImageConverter",
    "blocks",
]
