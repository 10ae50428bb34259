"""Checks of JSON values against the JSON Schemas that classes and files declare."""

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin._utils._advice import ADVICE
from keras_resblocks_plugin._utils._places import PREPROCESSOR_NAME
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.saving._buildable import (
    NotBuildable,
    activation_names,
    resolve,
    serialized_objects,
)
from keras_resblocks_plugin.saving._foreign_schemas import foreign_schema

_TEXTS = {
    "module": {"type": ["string", "null"]},
    "class_name": {"type": "string"},
    "registered_name": {"type": ["string", "null"]},
}
_OBJECT = {
    "type": "object",
    "properties": {**_TEXTS, "config": True},
    "required": ["module", "class_name", "config", "registered_name"],
    "additionalProperties": False,
}
# Other dtypes build a model that cannot process images: integers, booleans, strings.
_DTYPE_NAME = re.compile(
    r"((int8|int4|float8|(gptq|awq)/[\w/-]+)_from_)?((mixed_)?(b?float16)|float32|float64)"
)
# Layers that may stand in place of a preprocessor, and not of an activation.
_PREPROCESSING = (keras.layers.CenterCrop, keras.layers.Rescaling, keras.layers.Resizing)
# The name of a file that a later save writes into the preset.
_PREPROCESSOR_FILE = {"type": "string", "pattern": f"^{PREPROCESSOR_NAME}\\Z"}


def check(file: Path, value: Any, schema: Mapping[str, Any] | bool, path: str = "") -> None:
    """Checks that a value of a JSON file fits a schema.

    Args:
        file: The file, for the error.
        value: The content of the file, or a part of it.
        schema: A JSON Schema, with the words that `config_schema` adds.
        path: The place of the value in the file, for the error.

    Raises:
        ValueError: If it does not fit. The error names the file, the key and the rule.
    """
    from jsonschema.exceptions import best_match

    validator = _validator_class()(schema, format_checker=_formats())
    error = best_match(validator.iter_errors(value))
    if error is None:
        return
    for part in error.absolute_path:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = f"{error.message:.300}"
    if error.validator == "format":
        message = f"{error.instance!r:.100} is not a known {error.validator_value}"
    elif error.validator == "pattern" and "description" in error.schema:
        message = f"{error.instance!r:.100} is not {error.schema['description']}"
    raise ValueError(f"`{path.lstrip('.') or '.'}` in `{file}` is not valid: {message}. {ADVICE}")


def check_object(file: Path, value: dict[str, Any], expected: type) -> None:
    """Checks a serialized object, and all objects inside it, against the schemas of their classes.

    Args:
        file: The file that the object comes from, for errors.
        value: The content of the file.
        expected: The class of the object; it may be of a subclass.

    Raises:
        ValueError: If an object is of a class that may not be built or does not belong there,
            or its config does not fit the class.
    """
    classes = []
    for place, found in serialized_objects(value):
        try:
            classes.append((place, found, resolve(found)))
        except NotBuildable as error:
            raise ValueError(f"`{file}` names, at `{place or '.'}`, {error}") from None
    check(file, value, {**_OBJECT, "instance_of": expected})
    for place, found, cls in classes:
        kind = "object" if isinstance(cls, type) else "string"
        check(file, found, {**_OBJECT, "properties": {**_TEXTS, "config": {"type": kind}}}, place)
        if isinstance(cls, type):
            check(file, found["config"], schema_of(cls, found["config"]), f"{place}.config")


def schema_of(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a config of a class that may be built."""
    package = cls.__module__.split(".")[0]
    declared = getattr(cls, "config_schema", None)
    if declared is not None:
        schema = declared(config)
        if package != PACKAGE and "config_schema" not in vars(cls):
            # A user's subclass may have arguments of its own.
            schema = {**schema, "additionalProperties": True}
        return schema
    if package in ("keras", "keras_hub"):
        return foreign_schema(cls)
    return {"type": "object", "properties": {"config_file": _PREPROCESSOR_FILE}}


@functools.cache
def _validator_class() -> type:
    from jsonschema import Draft202012Validator, validators

    # JSON Schema takes 1.0 for an integer, and layers do not.
    checker = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    )
    words = {"instance_of": _instance_of}
    return validators.extend(Draft202012Validator, words, type_checker=checker)


def _instance_of(
    validator: Any, classes: type | tuple[type, ...], instance: Any, schema: Any
) -> Iterator[Exception]:
    from jsonschema import ValidationError

    if not isinstance(instance, dict):
        return
    try:
        cls = resolve(instance)
    except NotBuildable:
        if "class_name" in instance:
            # The check of all serialized objects reports this in full.
            return
        cls = None
    if not isinstance(cls, type) or not issubclass(cls, classes):
        classes = classes if isinstance(classes, tuple) else (classes,)
        allowed = " or ".join(expected.__name__ for expected in classes)
        yield ValidationError(f"{instance.get('class_name', instance)!r:.100} is not a {allowed}")


@functools.cache
def _formats() -> Any:
    from jsonschema import FormatChecker

    formats = FormatChecker(formats=())

    @formats.checks("activation", raises=NotBuildable)
    def is_activation(value):
        if isinstance(value, dict):
            return resolve(value) not in _PREPROCESSING
        return (
            not isinstance(value, str)
            or value in activation_names()
            or callable(keras.saving.get_registered_object(value))
        )

    @formats.checks("dtype")
    def is_dtype(value):
        return not isinstance(value, str) or bool(_DTYPE_NAME.fullmatch(value))

    return formats
