"""Residual blocks for KerasHub. Importing this registers the layers, tasks and presets."""

from keras_resblocks_plugin import blocks, convert
from keras_resblocks_plugin.diagnostics._callback import ResidualDiagnostics
from keras_resblocks_plugin.hub import PushToHub, pull_from_hub, push_to_hub
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter
from keras_resblocks_plugin.models._image_pixels import boxes_to_image_pixels, masks_to_image_size
from keras_resblocks_plugin.registry._registry import (
    list_presets,
    register_known_presets,
    register_preset,
    unregister_preset,
)
from keras_resblocks_plugin.transforms._fold import fold_batch_norm
from keras_resblocks_plugin.transforms._freeze import freeze

__all__ = [
    "PushToHub",
    "ResBlockBackbone",
    "ResBlockImageClassifier",
    "ResBlockImageClassifierPreprocessor",
    "ResBlockImageConverter",
    "ResidualDiagnostics",
    "blocks",
    "boxes_to_image_pixels",
    "convert",
    "fold_batch_norm",
    "freeze",
    "list_presets",
    "masks_to_image_size",
    "pull_from_hub",
    "push_to_hub",
    "register_preset",
    "unregister_preset",
]

register_known_presets()
