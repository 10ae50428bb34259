"""A preset as a folder of files, and its checks before anything is built."""

import json
from pathlib import Path
from typing import Any

import keras
import keras_hub

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin._utils._precision import loaded_policy
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._safetensors import read_header
from keras_resblocks_plugin.saving._buildable import serialized_objects
from keras_resblocks_plugin.saving._hdf5 import check_hdf5
from keras_resblocks_plugin.saving._head import read_head, write_digest
from keras_resblocks_plugin.saving._preset_files import (
    CONFIG_FILE,
    CONVERTER_FILE,
    INDEX_FILE,
    METADATA,
    METADATA_FILE,
    PREPROCESSOR_FILE,
    RECORD,
    RECORD_FILE,
    TASK_FILE,
    TASK_WEIGHTS_FILE,
    WEIGHTS_FILE,
)
from keras_resblocks_plugin.saving._schema import check, check_object
from keras_resblocks_plugin.saving._sizes import check_sizes
from keras_resblocks_plugin.saving._weights import read_index, stored_digest

BACKBONE_NAME = f"{PACKAGE}>ResBlockBackbone"
# The files that hold a serialized object, and what that has to be.
_OBJECT_FILES = {
    CONFIG_FILE: keras_hub.models.Backbone,
    TASK_FILE: keras_hub.models.Task,
    PREPROCESSOR_FILE: keras.layers.Layer,
    CONVERTER_FILE: keras_hub.layers.ImageConverter,
}
_ADVICE = "Download or save the preset again."
_CODE_OR_WEIGHTS = frozenset(
    ".bin .ckpt .dll .dylib .gguf .h5 .hdf5 .joblib .keras .msgpack .npy .npz .onnx .pb .pickle "
    ".pkl .pt .pth .py .pyc .safetensors .sh .so .tflite .zip".split()
)


def check_preset(folder: str | Path, of_task: bool = False) -> None:
    """Checks a preset folder without building or loading anything.

    Args:
        folder: The preset.
        of_task: bool. Whether its task is to be loaded. Where the backbone was saved over the
            preset alone, the task in there may be that of another backbone. Defaults to `False`.

    Raises:
        ValueError: If a file is missing, is not what its name says, or is one that no
            index lists, if a config names a class that may not be built or holds what the
            class does not take, or if it asks for other weights than the preset has.
    """
    folder = Path(folder)
    config = read_json(folder / CONFIG_FILE)
    if config.get("registered_name") != BACKBONE_NAME:
        raise ValueError(
            f"`{folder / CONFIG_FILE}` must describe a `ResBlockBackbone`; load others with "
            f"their own class. Received: registered_name={config.get('registered_name')!r}"
        )
    check_configs(folder)
    check_files(folder)
    listed_head = read_json(folder / METADATA_FILE).get("task_weights")
    if listed_head == TASK_WEIGHTS_FILE and not (folder / TASK_WEIGHTS_FILE).is_file():
        raise ValueError(
            f"`{folder / TASK_WEIGHTS_FILE}` is missing, and `{METADATA_FILE}` lists it. "
            "Download or save the preset again."
        )
    check_sizes(folder, with_task=of_task or listed_head is not None)
    _check_converter(folder, config["config"])


def _check_converter(folder: Path, backbone: dict[str, Any]) -> None:
    """Checks that the images of the preset's converters are those that its backbone reads."""
    data_format = backbone.get("data_format") or keras.config.image_data_format()
    channels = backbone.get("image_shape", (3,))[-1 if data_format == "channels_last" else 0]
    for file in _present(folder, CONVERTER_FILE, PREPROCESSOR_FILE, TASK_FILE):
        for place, found in serialized_objects(read_json(folder / file)):
            config = found["config"]
            # Neither is an argument of anything else that a preset of this package holds.
            if not isinstance(config, dict) or "crop_fraction" not in config:
                continue
            place = f"{place}.config".lstrip(".")
            if config.get("data_format") not in (None, data_format):
                raise ValueError(
                    f"`{place}.data_format` in `{folder / file}` must be that of the backbone, "
                    f"{data_format!r}. Received: {config['data_format']!r}. {_ADVICE}"
                )
            for name in ("scale", "offset"):
                values = config.get(name)
                if isinstance(values, list) and channels and len(values) != channels:
                    raise ValueError(
                        f"`{place}.{name}` in `{folder / file}` must have {channels} entries, one "
                        f"for each channel of the backbone. Received: {len(values)}. {_ADVICE}"
                    )


def check_saved(folder: Path, place: Path, *names: str) -> None:
    """Checks that what was just saved can be loaded again.

    Args:
        folder: The folder that is being filled.
        place: Where it goes, for the error.
        *names: The files that were saved, if there.

    Raises:
        ValueError: If an argument of the model is nothing that a preset may hold.
    """
    for name in _present(folder, *names):
        try:
            check_object(folder / name, read_json(folder / name), _OBJECT_FILES[name])
        except ValueError as error:
            reason = str(error).replace(str(folder), str(place)).replace(f" {_ADVICE}", "")
            raise ValueError(
                f"Nothing was saved, since the preset could not be loaded again. {reason}"
            ) from None


def check_configs(folder: Path) -> None:
    """Checks that the JSON files of a preset are there, and hold what they may hold.

    Raises:
        ValueError: If one does not.
    """
    for name in (CONFIG_FILE, *_present(folder, TASK_FILE, PREPROCESSOR_FILE, CONVERTER_FILE)):
        check_object(folder / name, read_json(folder / name), _OBJECT_FILES[name])
    check(folder / METADATA_FILE, read_json(folder / METADATA_FILE), METADATA)
    for name in _present(folder, RECORD_FILE):
        check(folder / name, read_json(folder / name), RECORD)


def check_files(folder: Path) -> None:
    """Checks that the weights files are whole, and that no other weights or code is there.

    Raises:
        ValueError: If a file is missing, damaged, or one that no index lists.
    """
    if not (folder / INDEX_FILE).is_file():
        raise ValueError(
            f"`{folder / INDEX_FILE}` is missing. Save the preset with `save_to_preset()` of "
            "this package, or download it again."
        )
    listed = set(read_index(folder / INDEX_FILE).values())
    for name in listed:
        read_header(folder / name)
    if (folder / TASK_FILE).exists():
        listed.add(TASK_WEIGHTS_FILE)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if is_code_or_weights(name) and name not in listed:
            raise ValueError(
                f"`{path}` is a weights or code file that no index lists, and KerasHub might "
                f"load it in place of {', '.join(sorted(listed))}. Remove it from the preset."
            )


def is_code_or_weights(name: str) -> bool:
    """Whether a file, by its name, is code or weights, which only an index may bring in."""
    return Path(name).suffix.lower() in _CODE_OR_WEIGHTS


def check_head(file: str | Path) -> None:
    """Checks that a head is whole and was saved together with the backbone's weights.

    Args:
        file: The path of `task.weights.h5`.

    Raises:
        ValueError: If it is damaged, or if the backbone was saved over the preset alone since.
    """
    check_hdf5(Path(file))
    metadata = Path(file).parent / METADATA_FILE
    # KerasHub does not fetch the metadata from a Hub, where a preset arrives in one commit.
    if metadata.exists() and read_json(metadata).get("task_weights") != Path(file).name:
        raise ValueError(
            f"`{file}` is not the head of the backbone beside it: `{METADATA_FILE}` does not "
            "list it, so the backbone was saved over the preset alone. Save the whole task, "
            f"or remove `{TASK_FILE}` and `{TASK_WEIGHTS_FILE}`."
        )


def check_same_save(folder: Path) -> None:
    """Checks that the head and the weights of a checked preset say that they belong together.

    Loading compares them, too, when it has read both.

    Raises:
        ValueError: If they say that they do not.
    """
    head = read_head(folder / TASK_WEIGHTS_FILE)
    for name in set(read_index(folder / INDEX_FILE).values()) if head else ():
        head.check_backbone(folder / name, stored_digest(folder / name))


def list_head(folder: Path) -> None:
    """Notes in the metadata and in the head that it belongs to the backbone's weights."""
    update_metadata(folder, task_weights=TASK_WEIGHTS_FILE)
    write_digest(folder / TASK_WEIGHTS_FILE, stored_digest(folder / WEIGHTS_FILE))


def update_metadata(folder: Path, **entries: str | int) -> None:
    """Sets entries of a preset's metadata, written as KerasHub does."""
    metadata = read_json(folder / METADATA_FILE) | entries
    (folder / METADATA_FILE).write_text(json.dumps(metadata, indent=4))


def saved_policy_of(folder: str | Path) -> dict | None:
    """The policy to load a preset in where none is asked for; `None` is Keras' default."""
    return loaded_policy(read_json(Path(folder) / CONFIG_FILE)["config"].get("dtype"))


def _present(folder: Path, *names: str) -> list[str]:
    return [name for name in names if (folder / name).exists()]
