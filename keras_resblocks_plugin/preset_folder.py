"""A preset as a folder of files, and its checks before anything is built."""

import json
from collections.abc import Iterator
from pathlib import Path

import keras

from keras_resblocks_plugin._hdf5 import check_hdf5
from keras_resblocks_plugin._precision import loaded_policy
from keras_resblocks_plugin._registration import PACKAGE
from keras_resblocks_plugin._safetensors import read_header
from keras_resblocks_plugin.weights import INDEX_FILE, WEIGHTS_FILE, read_index

BACKBONE_NAME = f"{PACKAGE}>ResBlockBackbone"
CONFIG_FILE = "config.json"
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
METADATA_FILE = "metadata.json"
PREPROCESSING_FILES = ("preprocessor.json", "image_converter.json")
PRESET_FILES = frozenset(
    (CONFIG_FILE, METADATA_FILE, INDEX_FILE, WEIGHTS_FILE, TASK_FILE, TASK_WEIGHTS_FILE)
).union(PREPROCESSING_FILES)

# What runs code that comes with a model.
_UNSAFE = frozenset([None, "Lambda", "TFSMLayer", "TorchModuleWrapper", "__lambda__"])
_CODE_OR_WEIGHTS = frozenset(
    ".bin .ckpt .dll .dylib .gguf .h5 .hdf5 .joblib .keras .msgpack .npy .npz .onnx .pb .pickle "
    ".pkl .pt .pth .py .pyc .safetensors .sh .so .tflite .zip".split()
)


def check_preset(folder: str | Path) -> None:
    """Checks a preset folder without building or loading anything.

    Raises:
        ValueError: If a file is missing, is not what its name says, or is one that no
            index lists, or if a config names a class that may not be built.
    """
    folder = Path(folder)
    check_classes(folder)
    config = read_json(folder / CONFIG_FILE)
    if config.get("registered_name") != BACKBONE_NAME:
        raise ValueError(
            f"`{folder / CONFIG_FILE}` must describe a `ResBlockBackbone`; load others with "
            f"their own class. Received: registered_name={config.get('registered_name')!r}"
        )
    check_files(folder)
    listed_head = read_json(folder / METADATA_FILE).get("task_weights")
    if listed_head == TASK_WEIGHTS_FILE and not (folder / TASK_WEIGHTS_FILE).is_file():
        raise ValueError(
            f"`{folder / TASK_WEIGHTS_FILE}` is missing, and `{METADATA_FILE}` lists it. "
            "Download or save the preset again."
        )


def check_classes(folder: Path) -> None:
    """Checks that a preset's configs are there and name only classes that may be built.

    Raises:
        ValueError: If it is not so.
    """
    for name in (CONFIG_FILE, *_present(folder, TASK_FILE, *PREPROCESSING_FILES)):
        for config in serialized_objects(read_json(folder / name)):
            _check_class(folder / name, config)


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


def list_head(folder: Path) -> None:
    """Notes in the metadata that the head belongs to the backbone's weights."""
    update_metadata(folder, task_weights=TASK_WEIGHTS_FILE)


def update_metadata(folder: Path, **entries: str | int) -> None:
    """Sets entries of a preset's metadata, written as KerasHub does."""
    metadata = read_json(folder / METADATA_FILE) | entries
    (folder / METADATA_FILE).write_text(json.dumps(metadata, indent=4))


def _check_class(file: Path, config: dict) -> None:
    module, name = config.get("module"), config["class_name"]
    registered = config.get("registered_name") or name
    if name == "function":
        # A function is named where a class has its configuration, and Keras asks for that alone.
        name = registered = config.get("config")
    if not all(isinstance(value, str | None) for value in (module, name, registered)):
        module = name = None
    if name not in _UNSAFE and (
        # Of this package, of KerasHub, or registered by the user in this process.
        keras.saving.get_registered_object(registered) is not None
        or (module or "").split(".")[0] in ("keras", "keras_hub")
        or (module == "builtins" and config["class_name"] == "function")
    ):
        return
    raise ValueError(
        f"`{file}` names {config['class_name']!r} of module {config.get('module')!r}, registered "
        f"as {config.get('registered_name')!r}, which may not be built: only classes of keras, "
        "keras_hub, this package, and classes that you register before loading. If you trust "
        "the preset, import the module that registers it."
    )


def serialized_objects(value: object) -> Iterator[dict]:
    """Every serialized object in a config, however deep."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from serialized_objects(item)


def read_json(file: Path) -> dict:
    """The JSON object in a file of a preset."""
    if not file.is_file():
        raise ValueError(f"`{file}` is missing. Download or save the preset again.")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        value = error
    if not isinstance(value, dict):
        raise ValueError(f"`{file}` must be a JSON object. Received: {value!r:.200}")
    return value


def saved_policy_of(folder: str | Path) -> dict | None:
    """The policy to load a preset in where none is asked for; `None` is Keras' default."""
    return loaded_policy(read_json(Path(folder) / CONFIG_FILE)["config"].get("dtype"))


def _present(folder: Path, *names: str) -> list[str]:
    return [name for name in names if (folder / name).exists()]
