"""Checks of the files of a preset folder, one by one and against each other."""

from typing import Any

import keras
import keras_hub

from keras_resblocks_plugin._utils._advice import ADVICE
from keras_resblocks_plugin.saving._buildable import serialized_objects
from keras_resblocks_plugin.saving._folder_files import FolderFiles
from keras_resblocks_plugin.saving._preset_files import (
    CONFIG_FILE,
    CONVERTER_FILE,
    INDEX_FILE,
    METADATA,
    METADATA_FILE,
    PREPROCESSOR_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    other_weights,
)
from keras_resblocks_plugin.saving._schema import check, check_object
from keras_resblocks_plugin.saving._training_record import RECORD, RECORD_FILE

# The files that hold a serialized object, and the base class of that object.
OBJECT_FILES = {
    CONFIG_FILE: keras_hub.models.Backbone,
    TASK_FILE: keras_hub.models.Task,
    PREPROCESSOR_FILE: keras.layers.Layer,
    CONVERTER_FILE: keras_hub.layers.ImageConverter,
}


def check_configs(files: FolderFiles) -> None:
    """Checks that the JSON files of a preset are there and fit their schemas.

    Raises:
        ValueError: If a file is missing or invalid.
    """
    for name in OBJECT_FILES:
        if name == CONFIG_FILE or files.has(name):
            check_object_file(files, name)
    check(files.path / METADATA_FILE, files.json(METADATA_FILE), METADATA)
    if files.has(RECORD_FILE):
        check(files.path / RECORD_FILE, files.json(RECORD_FILE), RECORD)


def check_object_file(files: FolderFiles, name: str) -> None:
    """Checks a file that holds a serialized object.

    Raises:
        ValueError: If the file is missing or invalid.
    """
    check_object(files.path / name, files.json(name), OBJECT_FILES[name])


def check_weights_files(files: FolderFiles) -> None:
    """Checks that the weights files are whole, and that no other weights or code is there.

    Raises:
        ValueError: If a file is missing, damaged, or one that no index lists.
    """
    if not (files.path / INDEX_FILE).is_file():
        raise ValueError(
            f"`{files.path / INDEX_FILE}` is missing. Save the preset with `save_to_preset()` of "
            "this package, or download it again."
        )
    listed = {path.name for path in files.weights().files}
    if files.has(TASK_FILE):
        listed.add(TASK_WEIGHTS_FILE)
    for path in other_weights(files.path, listed):
        raise ValueError(
            f"`{path}` is a weights or code file that no index lists, and KerasHub might "
            f"load it in place of {', '.join(sorted(listed))}. Remove it from the preset."
        )


def check_head(files: FolderFiles, name: str = TASK_WEIGHTS_FILE) -> None:
    """Checks that a head is whole and was saved together with the backbone's weights.

    Args:
        files: The folder of the head.
        name: The name of its file.

    Raises:
        ValueError: If it is damaged, or if the backbone alone was saved over the preset later.
    """
    files.hdf5_shapes(name)
    # KerasHub does not fetch the metadata from a Hub, where a preset arrives in one commit.
    if files.has(METADATA_FILE) and files.json(METADATA_FILE).get("task_weights") != name:
        raise ValueError(
            f"`{files.path / name}` is not the head of the backbone beside it: `{METADATA_FILE}` "
            "does not list it, so the backbone was saved over the preset alone. Save the whole "
            f"task, or remove `{TASK_FILE}` and `{TASK_WEIGHTS_FILE}`."
        )


def check_listed_head(files: FolderFiles) -> None:
    """Checks that a head which the metadata lists is there.

    Raises:
        ValueError: If it is missing.
    """
    listed = files.json(METADATA_FILE).get("task_weights")
    if listed == TASK_WEIGHTS_FILE and not (files.path / listed).is_file():
        raise ValueError(
            f"`{files.path / listed}` is missing, and `{METADATA_FILE}` lists it. {ADVICE}"
        )


def check_converters(files: FolderFiles, backbone: dict[str, Any]) -> None:
    """Checks that the preset's converters make images that its backbone reads.

    Args:
        files: The preset, whose JSON files are valid.
        backbone: The config of the backbone.

    Raises:
        ValueError: If the data format or the number of channels differs.
    """
    data_format = backbone.get("data_format") or keras.config.image_data_format()
    channels = backbone.get("image_shape", (3,))[-1 if data_format == "channels_last" else 0]
    for name in (CONVERTER_FILE, PREPROCESSOR_FILE, TASK_FILE):
        for place, found in serialized_objects(files.json(name) if files.has(name) else {}):
            config = found["config"]
            # No other class that a preset of this package holds has this argument.
            if not isinstance(config, dict) or "crop_fraction" not in config:
                continue
            place, file = f"{place}.config".lstrip("."), files.path / name
            if config.get("data_format") not in (None, data_format):
                raise ValueError(
                    f"`{place}.data_format` in `{file}` must be that of the backbone, "
                    f"{data_format!r}. Received: {config['data_format']!r}. {ADVICE}"
                )
            for argument in ("scale", "offset"):
                values = config.get(argument)
                if isinstance(values, list) and channels and len(values) != channels:
                    raise ValueError(
                        f"`{place}.{argument}` in `{file}` must have {channels} entries, one "
                        f"for each channel of the backbone. Received: {len(values)}. {ADVICE}"
                    )
