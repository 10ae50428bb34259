"""A preset as a folder of files: finding it, and checking it before anything is built."""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import keras

from keras_resblocks_plugin._registration import PACKAGE
from keras_resblocks_plugin._safetensors import read_header
from keras_resblocks_plugin.weights import INDEX_FILE, read_index

CONFIG_FILE = "config.json"
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
METADATA_FILE = "metadata.json"
PREPROCESSING_FILES = ("preprocessor.json", "image_converter.json")

_CODE_OR_WEIGHTS = frozenset(
    ".bin .ckpt .dll .dylib .gguf .h5 .hdf5 .joblib .keras .msgpack .npy .npz .onnx .pb .pickle "
    ".pkl .pt .pth .py .pyc .safetensors .sh .so .tflite .zip".split()
)


def locate_checked(preset: str | Path, names: Mapping[str, dict]) -> str:
    """The folder or handle that a preset name, folder or handle stands for.

    A folder is checked as `check_preset` does before it is returned.

    Args:
        preset: A name, a folder, or a handle with a scheme (`"hf://user/name"`).
        names: What each known name stands for, as `ResBlockBackbone.presets` gives it.

    Raises:
        ValueError: If it is none of these (the error lists the closest names), or if
            the folder is not a sound preset.
    """
    preset = str(preset)
    handle = names[preset]["kaggle_handle"] if preset in names else preset
    if "://" in handle:
        return handle
    if Path(handle).is_dir():
        check_preset(handle)
        return handle
    close = difflib.get_close_matches(preset, names, n=3) or sorted(names)
    raise ValueError(
        "`preset` must be the name of a preset, a folder, or a handle like "
        f"`hf://user/name`. Closest names: {', '.join(map(repr, close))}. "
        f"Received: preset={preset!r}"
    )


def check_preset(folder: str | Path) -> None:
    """Checks a preset folder without building or loading anything.

    Raises:
        ValueError: If a file is missing, is not what its name says, or is one that no
            index lists, or if a config names a class that may not be built.
    """
    folder = Path(folder)
    configs = [CONFIG_FILE, *_present(folder, TASK_FILE, *PREPROCESSING_FILES)]
    for name in configs:
        for config in _walk(_read_json(folder / name)):
            _check_class(folder / name, config)
    config = _read_json(folder / CONFIG_FILE)
    if config.get("registered_name") != f"{PACKAGE}>ResBlockBackbone":
        raise ValueError(
            f"`{folder / CONFIG_FILE}` must describe a `ResBlockBackbone`; load others with "
            f"their own class. Received: registered_name={config.get('registered_name')!r}"
        )
    check_files(folder)


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
        if path.suffix.lower() in _CODE_OR_WEIGHTS and name not in listed:
            raise ValueError(
                f"`{path}` is a weights or code file that no index lists, and KerasHub might "
                f"load it in place of {', '.join(sorted(listed))}. Remove it from the preset."
            )


def check_head(file: str | Path) -> None:
    """Checks that the head in a preset was saved together with the backbone's weights.

    Args:
        file: The path of `task.weights.h5`.

    Raises:
        ValueError: If the backbone was saved over the preset alone since.
    """
    folder = Path(file).parent
    if _read_json(folder / METADATA_FILE).get("task_weights") != Path(file).name:
        raise ValueError(
            f"`{file}` is not the head of the backbone beside it: `{METADATA_FILE}` does not "
            "list it, so the backbone was saved over the preset alone. Save the whole task, "
            f"or remove `{TASK_FILE}` and `{TASK_WEIGHTS_FILE}`."
        )


def list_head(folder: Path) -> None:
    """Notes in the metadata that the head belongs to the backbone's weights."""
    metadata = _read_json(folder / METADATA_FILE)
    metadata["task_weights"] = TASK_WEIGHTS_FILE
    (folder / METADATA_FILE).write_text(json.dumps(metadata, indent=4))


def _check_class(file: Path, config: dict) -> None:
    name = config.get("registered_name") or config["class_name"]
    module = config.get("module")
    if keras.saving.get_registered_object(name) is not None:
        # Of this package, of KerasHub, or registered by the user in this process.
        return
    public = isinstance(module, str) and module.split(".")[0] in ("keras", "keras_hub")
    builtin = module in (None, "builtins") and config["class_name"] == "__tuple__"
    if config["class_name"] in ("Lambda", "__lambda__") or not (public or builtin):
        raise ValueError(
            f"`{file}` names the class {name!r} of module {module!r}, which may not be built: "
            "only classes of keras, keras_hub, this package, and classes that you register "
            "before loading. If you trust the preset, import the module that registers it."
        )


def _walk(value: object) -> Iterator[dict]:
    """Every serialized object in a config, however deep."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)


def _read_json(file: Path) -> dict:
    if not file.is_file():
        raise ValueError(f"`{file}` is missing. Download or save the preset again.")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        value = error
    if not isinstance(value, dict):
        raise ValueError(f"`{file}` must be a JSON object. Received: {value!r:.200}")
    return value


def _present(folder: Path, *names: str) -> list[str]:
    return [name for name in names if (folder / name).exists()]
