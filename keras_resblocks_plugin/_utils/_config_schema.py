"""JSON Schemas of the parts that serialized configs share, for a class's `config_schema()`.

A class of this package declares the contents of its config in a class method `config_schema()`,
which returns a [JSON Schema](https://json-schema.org). Loading finds the method through Keras'
registry and refuses a preset whose config does not match, before anything is built. A class of
yours may have the method too; a registered class without it is built from any config. There are
two extensions of the standard: `"format"` may be `"activation"` or `"dtype"`, and `"instance_of"`
is the class, or a tuple of classes, of a serialized object.
"""

from typing import Any

import keras

BOOLEAN = {"type": "boolean"}
# A layer name must not become a path, neither of a weight nor of a file.
NAME = {
    "type": "string",
    "pattern": r"^(?!\.+\Z)[^/\\:>\x00-\x1f]{1,200}\Z",
    "description": "a name of at most 200 characters without slashes, colons or `>`",
}
DTYPE = {
    "type": ["object", "null"],
    "instance_of": (keras.dtype_policies.DTypePolicy, keras.dtype_policies.DTypePolicyMap),
}
ACTIVATION = {"type": ["string", "object", "null"], "format": "activation"}
DATA_FORMAT = {"enum": ["channels_last", "channels_first", None]}


def integer(least: int, most: int) -> dict[str, Any]:
    """The schema of an integer between two bounds, inclusive."""
    return {"type": "integer", "minimum": least, "maximum": most}


def list_of(items: dict[str, Any], least: int = 1, most: int = 64) -> dict[str, Any]:
    """The schema of a list with between `least` and `most` entries."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def layer_schema(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of a layer's config: its own arguments and those of every layer.

    Args:
        required: The arguments that the config must have.
        **properties: The schema of each argument.
    """
    return {
        "type": "object",
        "properties": {"name": NAME, "trainable": BOOLEAN, "dtype": DTYPE, **properties},
        "required": list(required),
        "additionalProperties": False,
    }
