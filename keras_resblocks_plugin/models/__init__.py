"""The backbone, the image classifier and their preprocessing."""

from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter
from keras_resblocks_plugin.models._image_pixels import boxes_to_image_pixels, masks_to_image_size

__all__ = [
    "ResBlockBackbone",
    "ResBlockImageClassifier",
    "ResBlockImageClassifierPreprocessor",
    "ResBlockImageConverter",
    "boxes_to_image_pixels",
    "masks_to_image_size",
]
