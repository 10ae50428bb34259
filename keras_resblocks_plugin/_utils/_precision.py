"""Precision policies in configs, in forms that KerasHub's loaders accept."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_resblocks_plugin._utils._kerashub import flatten_layers

# KerasHub checks whether the name of a saved policy is a float dtype, and fails on names such
# as `mixed_bfloat16` or `int8_from_float32`. The config of a map has no name.
_DTYPES = ("float16", "bfloat16", "float32", "float64")


def saved_policy(layer: keras.Layer) -> dict[str, Any]:
    """The serialized policy of a layer, including those of the quantized layers inside it."""
    policy = single_policy(layer.dtype_policy)
    quantized = {
        inner.path: _policy_at(inner)
        for inner in flatten_layers(layer)
        if getattr(inner, "quantization_mode", None) is not None
    }
    if policy.name not in _DTYPES or quantized:
        policy = keras.dtype_policies.DTypePolicyMap(policy.name, quantized)
    return keras.dtype_policies.serialize(policy)


def loaded_policy(saved: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The policy to load a preset with, from its config. `None` is Keras' default policy.

    This is how KerasHub resolves it for tasks: plain dtypes become the default, others stay.
    """
    is_plain = saved is None or saved["config"].get("name") in _DTYPES
    return None if is_plain else saved


def check_savable(layer: keras.Layer) -> None:
    """Checks that the weights of a layer can be saved in a preset.

    Raises:
        ValueError: If some are quantized.
    """
    others = sorted(x.path for x in layer.weights if x.dtype not in _DTYPES)
    if others:
        raise ValueError(
            "`save_to_preset()` needs a backbone with weights of a float dtype. Save it as a "
            "`.keras` file, or save the preset first and quantize after loading. "
            f"Received: {', '.join(others)} of other dtypes"
        )


def single_policy(policy: Any) -> keras.DTypePolicy:
    """The policy itself, or the default one of a `DTypePolicyMap`."""
    policy = keras.dtype_policies.get(policy)
    return getattr(policy, "default_policy", policy)


def without_empty_map(policy: Any) -> Any:
    """The policy itself if it is a `DTypePolicyMap` without entries."""
    policy = keras.dtype_policies.get(policy)
    is_map = isinstance(policy, keras.dtype_policies.DTypePolicyMap)
    return policy.default_policy if is_map and not len(policy) else policy


def unquantized(policy: keras.DTypePolicy) -> keras.DTypePolicy:
    """The float policy of a quantized one, for layers without weights."""
    compute, variable = policy.compute_dtype, policy.variable_dtype
    return keras.DTypePolicy(compute if compute == variable else f"mixed_{compute}")


def _policy_at(layer: keras.Layer) -> keras.DTypePolicy:
    policy = layer.dtype_policy
    return policy[layer.path] if isinstance(policy, keras.dtype_policies.DTypePolicyMap) else policy
