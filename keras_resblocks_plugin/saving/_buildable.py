"""Classes and functions that a preset may name: a fixed list and those that users registered."""

import functools
from collections.abc import Iterator
from typing import Any

import keras

from keras_resblocks_plugin._utils._kerashub import RetinaNetLabelEncoder
from keras_resblocks_plugin._utils._registration import PACKAGE

# Saved by the supported tasks. No other class of Keras and KerasHub is built: there are
# hundreds of classes, and some run code or open files and addresses that a config names.
_DTYPE_POLICIES = frozenset(
    (
        "AWQDTypePolicy DTypePolicy DTypePolicyMap FloatDTypePolicy GPTQDTypePolicy "
        "Int4DTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy"
    ).split()
)
# The activations of blocks, and what stands in place of a preprocessor.
_LAYERS = frozenset("Activation CenterCrop ELU LeakyReLU ReLU Rescaling Resizing Softmax".split())
_KERAS_HUB = frozenset(
    (
        "AnchorGenerator DeepLabV3Backbone DeepLabV3ImageConverter DeepLabV3ImageSegmenter "
        "DeepLabV3ImageSegmenterPreprocessor ImageClassifierPreprocessor ImageConverter "
        "NonMaxSuppression RetinaNetBackbone RetinaNetImageConverter RetinaNetObjectDetector "
        "RetinaNetObjectDetectorPreprocessor"
    ).split()
)
# They take more than one argument, or change the number of channels.
_NO_PLAIN_ACTIVATIONS = {"deserialize", "get", "glu", "serialize", "sparse_plus", "threshold"}


class NotBuildable(ValueError):
    """A preset names a class or function that may not be built."""


def resolve(found: dict[str, Any]) -> Any:
    """The class or function that a serialized object names, if it may be built.

    Args:
        found: The result of `keras.saving.serialize_keras_object` for a class or function.

    Raises:
        NotBuildable: If it may not.
    """
    keys = ("module", "class_name", "registered_name", "config")
    module, name, registered, config = (found.get(key) for key in keys)
    if not all(isinstance(value, str | None) for value in (module, name, registered)):
        cls = None
    elif name == "function":
        cls = _function(module, config)
    else:
        cls = _registered(registered, name) or _of_keras(module, name, registered)
    if cls is None:
        raise NotBuildable(
            f"{name!r:.100} of module {module!r:.100}, registered as {registered!r:.100}, which "
            "may not be built: only classes that the tasks of this package save, and classes "
            "that you register before loading. A class of your own is registered by importing its "
            "module."
        )
    return cls


def serialized_objects(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All serialized objects in a JSON value, at any depth, with their places in it."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield path, value
        for key, item in value.items():
            yield from serialized_objects(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from serialized_objects(item, f"{path}[{index}]")


def residual_backbones(
    value: Any, with_subclasses: bool = False
) -> list[tuple[str, dict[str, Any]]]:
    """The serialized backbones of this package in a JSON value, with their places in it.

    They are the classes that declare `weight_shapes`. Nothing is built or checked.

    Args:
        value: The JSON value.
        with_subclasses: bool. Includes subclasses that users registered. Defaults to `False`.
    """

    def declares(name: Any) -> bool:
        cls = keras.saving.get_registered_object(name) if isinstance(name, str) else None
        return hasattr(cls, "weight_shapes") and (with_subclasses or "weight_shapes" in vars(cls))

    return [
        (path, found)
        for path, found in serialized_objects(value)
        if declares(found.get("registered_name"))
    ]


@functools.cache
def activation_names() -> frozenset[str]:
    """The names of Keras' activations that are functions of one tensor."""
    names = {name for name in dir(keras.activations) if not name.startswith("_")}
    return frozenset(names - _NO_PLAIN_ACTIVATIONS)


def _function(module: str | None, name: Any) -> Any:
    if not isinstance(name, str):
        return None
    if name in activation_names() and (module == "builtins" or _is_keras(module)):
        return getattr(keras.activations, name)
    found = keras.saving.get_registered_object(name)
    # Keras looks a function up by this name, too: a class of that name is another thing.
    return None if isinstance(found, type) else found


def _registered(registered: str | None, name: str | None) -> Any:
    found = keras.saving.get_registered_object(registered)
    package = (registered or "").partition(">")[0]
    if package == "keras_hub":
        return found if name in _KERAS_HUB and registered == f"keras_hub>{name}" else None
    if package == PACKAGE:
        # The layers inside a backbone declare no schema: no preset lists them.
        return found if hasattr(found, "config_schema") and found.__name__ == name else None
    return found


def _of_keras(module: str | None, name: str | None, registered: str | None) -> Any:
    if name == RetinaNetLabelEncoder.__name__ and module == RetinaNetLabelEncoder.__module__:
        # KerasHub does not register it.
        return RetinaNetLabelEncoder
    if _is_keras(module) and registered is None:
        if name in _DTYPE_POLICIES:
            return getattr(keras.dtype_policies, name, None)
        if name in _LAYERS:
            return getattr(keras.layers, name)
    return None


def _is_keras(module: str | None) -> bool:
    return (module or "").split(".")[0] == "keras"
