"""The names of a preset's files, and JSON Schemas of those that are no serialized objects."""

from keras_resblocks_plugin._utils._config_schema import integer, list_of

CONFIG_FILE = "config.json"
METADATA_FILE = "metadata.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.weights.json"
TASK_FILE = "task.json"
TASK_WEIGHTS_FILE = "task.weights.h5"
PREPROCESSOR_FILE = "preprocessor.json"
CONVERTER_FILE = "image_converter.json"
RECORD_FILE = "training.json"
PRESET_FILES = frozenset(
    (CONFIG_FILE, METADATA_FILE, INDEX_FILE, WEIGHTS_FILE, TASK_FILE, TASK_WEIGHTS_FILE)
).union((PREPROCESSOR_FILE, CONVERTER_FILE))

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
# Whoever trains writes what belongs to the run: what is read again has its type.
RECORD = {
    "type": "object",
    "properties": {
        "license": _TEXT,
        "data": {"type": "object", "properties": {"name": _TEXT, "license": _TEXT}},
        "results": {"type": "object"},
        "recipe": {"type": "object"},
        "start": {"type": ["object", "string", "null"]},
        "history": {"type": "array", "items": {"type": "object"}},
        "epochs": {"type": "number"},
    },
}
