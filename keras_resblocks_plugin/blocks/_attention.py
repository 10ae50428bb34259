"""The attention at the end of a residual branch: one of this package, or a layer of the user's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras

from keras_resblocks_plugin._utils._arguments import plain
from keras_resblocks_plugin.layers._attention import EfficientChannelAttention, SqueezeExcitation

ATTENTIONS = MappingProxyType({"se": SqueezeExcitation, "eca": EfficientChannelAttention})
"""The attentions of this package by the name that a block's `attention` takes."""

# Of a serialized layer. The block sets the name and the precision, and builds the layer.
_KEYS = ("module", "class_name", "config", "registered_name")
_SET_BY_BLOCK = ("name", "dtype")


def serialize_attention(attention: Any) -> str | dict[str, Any] | None:
    """Returns a block's `attention` in the form that configs hold.

    Args:
        attention: `None`, a key of `ATTENTIONS`, a layer of a registered class, or what this
            function returned.

    Raises:
        ValueError: If `attention` is anything else.
    """
    if attention is None or (isinstance(attention, str) and attention in ATTENTIONS):
        return attention
    serialized = attention
    if isinstance(attention, keras.Layer):
        serialized = keras.saving.serialize_keras_object(attention)
    if not isinstance(serialized, Mapping) or _layer_class(serialized) is None:
        raise ValueError(
            f"`attention` must be one of None, {', '.join(map(repr, ATTENTIONS))}, or a layer (no "
            "model) of a registered class, of which each block creates a copy. Decorate your own "
            'class with `@keras.saving.register_keras_serializable("my_package")`. '
            f"Received: attention={attention!r}"
        )
    serialized = plain({key: serialized[key] for key in _KEYS})
    for name in _SET_BY_BLOCK:
        serialized["config"].pop(name, None)
    return serialized


def create_attention(
    attention: str | dict[str, Any] | None, data_format: str, **kwargs: Any
) -> keras.Layer:
    """Creates a layer from the result of `serialize_attention()`, or the identity from `None`.

    Args:
        attention: The result of `serialize_attention()`.
        data_format: `"channels_last"` or `"channels_first"`.
        **kwargs: `name` and `dtype`.

    Raises:
        ValueError: If the layer cannot be created from its config.
    """
    if attention is None:
        return keras.layers.Identity(**kwargs)
    if isinstance(attention, str):
        return ATTENTIONS[attention](data_format=data_format, **kwargs)
    cls, config = _layer_class(attention), {**plain(attention["config"]), **kwargs}
    if "data_format" in config:
        config["data_format"] = data_format
    try:
        return cls.from_config(config)
    except TypeError as error:
        raise ValueError(
            "`attention` must be a layer that `from_config()` can create again, with `name` and "
            f"`dtype`. Received: {cls.__name__} ({error})"
        ) from error


def _layer_class(serialized: Mapping[str, Any]) -> type[keras.Layer] | None:
    if not all(key in serialized for key in _KEYS) or not isinstance(serialized["config"], Mapping):
        return None
    cls = keras.saving.get_registered_object(serialized["registered_name"])
    is_layer = isinstance(cls, type) and issubclass(cls, keras.Layer)
    return cls if is_layer and not issubclass(cls, keras.Model) else None
