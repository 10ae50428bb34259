"""JSON Schemas of what serialized configs have in common, for `config_schema()` of a class.

A class of this package declares what its config may hold by a class method `config_schema()`,
which returns a [JSON Schema](https://json-schema.org) of its config. Loading finds the
method through Keras' registry and refuses a preset whose config does not fit, before
anything is built. So may a class of yours; without the method, a class that you register is
built from any config. Two words go beyond the standard: `"format"` knows `"activation"` and
`"dtype"`, and `"instance_of"` has the class, or a tuple of classes, of a serialized object.
"""

from typing import Any

import keras

BOOLEAN = {"type": "boolean"}
# No layer name becomes a path: neither of a weight nor of a file.
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
    """The schema of an integer within bounds, which are included."""
    return {"type": "integer", "minimum": least, "maximum": most}


def list_of(items: dict[str, Any], least: int = 1, most: int = 64) -> dict[str, Any]:
    """The schema of a list with so many entries."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def layer_schema(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of a layer's config: its own arguments, and those that every layer has.

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
