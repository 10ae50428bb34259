"""Residual blocks for KerasHub. Importing this registers the layers, tasks and presets."""

from keras_resblocks_plugin import blocks
from keras_resblocks_plugin.backbone import ResBlockBackbone
from keras_resblocks_plugin.image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.image_preprocessing import (
    ResBlockImageClassifierPreprocessor,
    ResBlockImageConverter,
)
from keras_resblocks_plugin.registry import (
    list_presets,
    register_bundled_presets,
    register_preset,
)

__all__ = [
    "ResBlockBackbone",
    "ResBlockImageClassifier",
    "ResBlockImageClassifierPreprocessor",
    "ResBlockImageConverter",
    "blocks",
    "list_presets",
    "register_preset",
]

register_bundled_presets()
