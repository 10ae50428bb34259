"""Conversions from KerasHub, keras.applications, timm, torchvision and MLPerf Tiny, and to timm."""

from keras_resblocks_plugin.convert._from_keras_applications import from_keras_applications
from keras_resblocks_plugin.convert._from_keras_hub import from_keras_hub
from keras_resblocks_plugin.convert._from_mlperf_tiny import from_mlperf_tiny
from keras_resblocks_plugin.convert._from_timm import from_timm
from keras_resblocks_plugin.convert._to_timm import to_timm

__all__ = [
    "from_keras_applications",
    "from_keras_hub",
    "from_mlperf_tiny",
    "from_timm",
    "to_timm",
]
