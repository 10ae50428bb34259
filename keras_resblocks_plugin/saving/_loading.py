"""Models from a preset folder that is open and checked."""

from typing import Any, TypeVar

import keras

from keras_resblocks_plugin._utils._kerashub import PresetLoader
from keras_resblocks_plugin.saving._preset_files import (
    CONFIG_FILE,
    PREPROCESSOR_FILE,
    TASK_FILE,
)
from keras_resblocks_plugin.saving._preset_folder import PresetFolder

Part = TypeVar("Part")


def load_model(preset: PresetFolder) -> keras.Model:
    """Loads the task, or else the backbone, as the class that was saved."""
    file = TASK_FILE if preset.has(TASK_FILE) else CONFIG_FILE
    cls = keras.saving.get_registered_object(preset.json(file)["registered_name"])
    if hasattr(cls, "from_open_preset"):
        return cls.from_open_preset(preset)
    return (load_task if file == TASK_FILE else load_backbone)(preset, cls)


def load_backbone(
    preset: PresetFolder, cls: type[Part], load_weights: bool = True, **kwargs: Any
) -> Part:
    """Loads a backbone, as KerasHub's `Backbone.from_preset` does."""
    return _loader(preset).backbone_of(cls, load_weights, **kwargs)


def load_task(
    preset: PresetFolder, cls: type[Part], load_weights: bool = True, **kwargs: Any
) -> Part:
    """Loads a task, as KerasHub's `Task.from_preset` does."""
    loader = _loader(preset)
    with_head = "num_classes" not in kwargs
    return loader.load_task(loader.class_for(cls), load_weights, with_head, **kwargs)


def load_preprocessor(
    preset: PresetFolder, cls: type[Part], config_file: str = PREPROCESSOR_FILE, **kwargs: Any
) -> Part:
    """Loads a preprocessor, as KerasHub's `Preprocessor.from_preset` does."""
    loader = _loader(preset)
    return loader.load_preprocessor(loader.class_for(cls), config_file, **kwargs)


def load_image_converter(preset: PresetFolder, cls: type[Part], **kwargs: Any) -> Part:
    """Loads an image converter, as KerasHub's `ImageConverter.from_preset` does."""
    loader = _loader(preset)
    return loader.load_image_converter(loader.class_for(cls), **kwargs)


def _loader(preset: PresetFolder) -> PresetLoader:
    def load_weights(backbone: keras.Model) -> bool:
        if not hasattr(backbone, "load_open_preset"):
            return False
        backbone.load_open_preset(preset)
        return True

    return PresetLoader(preset.path, preset.json_copy, load_weights, preset.load_head)
