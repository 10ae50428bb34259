"""Names of a preset's files, and JSON Schemas of those that are not serialized objects."""

import json
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._config_schema import integer, list_of

CONFIG_FILE = "config.json"
METADATA_FILE = "metadata.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.weights.json"
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
PREPROCESSOR_FILE = "preprocessor.json"
CONVERTER_FILE = "image_converter.json"
# The weights of KerasHub's own backbones, such as DeepLabV3 and RetinaNet on a `ResBlockBackbone`.
KERASHUB_WEIGHTS_FILE = "model.weights.h5"
PRESET_FILES = frozenset(
    (CONFIG_FILE, METADATA_FILE, INDEX_FILE, WEIGHTS_FILE, TASK_FILE, TASK_WEIGHTS_FILE)
).union((PREPROCESSOR_FILE, CONVERTER_FILE))

_CODE_OR_WEIGHTS = frozenset(
    ".bin .ckpt .dll .dylib .gguf .h5 .hdf5 .joblib .keras .msgpack .npy .npz .onnx .pb .pickle "
    ".pkl .pt .pth .py .pyc .safetensors .sh .so .tflite .zip".split()
)
_TEXT = {"type": "string", "maxLength": 10_000}
_COUNT = integer(0, 1 << 50)

METADATA = {
    "type": "object",
    "properties": {
        "keras_version": _TEXT,
        "keras_hub_version": _TEXT,
        "parameter_count": _COUNT,
        "date_saved": _TEXT,
        "tasks": list_of(_TEXT, 0, 1000),
        "task_weights": {"const": TASK_WEIGHTS_FILE},
    },
    "additionalProperties": False,
}
INDEX = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object", "properties": {"total_size": _COUNT}},
        # A name, and no path: the files lie beside the index.
        "weight_map": {
            "type": "object",
            "additionalProperties": {
                "type": "string",
                "pattern": r"^[^./\\:][^/\\:]{0,240}\.safetensors\Z",
            },
        },
    },
    "required": ["weight_map"],
    "additionalProperties": False,
}


def to_metadata(metadata: dict[str, Any]) -> str:
    """The text of `metadata.json`, in KerasHub's form."""
    return json.dumps(metadata, indent=4)


def is_code_or_weights(name: str) -> bool:
    """Tells by its name whether a file is code or weights, which only an index may bring in."""
    return Path(name).suffix.lower() in _CODE_OR_WEIGHTS


def other_weights(folder: Path, listed: set[str]) -> list[Path]:
    """The files of a folder that are weights or code and are not listed."""
    names = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    return [x for name, x in names.items() if is_code_or_weights(name) and name not in listed]


def check_no_other_weights(folder: Path, listed: set[str]) -> None:
    """Checks that a folder has no weights or code besides the listed files.

    Raises:
        ValueError: If it has.
    """
    for path in other_weights(folder, listed):
        raise ValueError(f"`{path}` is weights or code that the preset does not use: remove it.")
