"""Conversions from KerasHub, keras.applications, timm and torchvision, and to timm."""

from keras_resblocks_plugin.convert._from_keras_applications import from_keras_applications
from keras_resblocks_plugin.convert._from_keras_hub import from_keras_hub
from keras_resblocks_plugin.convert._from_timm import from_timm
from keras_resblocks_plugin.convert._to_timm import to_timm

__all__ = ["from_keras_applications", "from_keras_hub", "from_timm", "to_timm"]
