"""Residual blocks for KerasHub. Importing the package registers its layers, tasks and presets."""

import importlib
from types import ModuleType

from keras_resblocks_plugin import blocks, convert, diagnostics, hub, layers
from keras_resblocks_plugin.diagnostics import ResidualDiagnostics
from keras_resblocks_plugin.hub import PushToHub, pull_from_hub, push_to_hub
from keras_resblocks_plugin.models import (
    ResBlockBackbone,
    ResBlockImageClassifier,
    ResBlockImageClassifierPreprocessor,
    ResBlockImageConverter,
    boxes_to_image_pixels,
    masks_to_image_size,
)
from keras_resblocks_plugin.registry import (
    list_presets,
    register_known_presets,
    register_preset,
    unregister_preset,
)
from keras_resblocks_plugin.transforms import fold_batch_norm, freeze

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
    "diagnostics",
    "export",
    "fold_batch_norm",
    "freeze",
    "hub",
    "layers",
    "list_presets",
    "masks_to_image_size",
    "prediction",
    "pull_from_hub",
    "push_to_hub",
    "register_preset",
    "training",
    "unregister_preset",
]

_ON_DEMAND = ("export", "prediction", "training")


def __getattr__(name: str) -> ModuleType:
    """Imports `training`, `prediction` and `export` when they are first used."""
    if name in _ON_DEMAND:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_DEMAND})


register_known_presets()
