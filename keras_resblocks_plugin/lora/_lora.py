"""Keras' low-rank additions to kernels (LoRA), as far as Keras leaves them open."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin._utils._kerashub import flatten_layers, frozen_kernel


def lora_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers inside `model` that have LoRA."""
    return [layer for layer in flatten_layers(model) if getattr(layer, "lora_enabled", False)]


def lora_weights(model: keras.Model) -> list[keras.Variable]:
    """What LoRA adds to the weights of `model`."""
    return [
        weight
        for layer in lora_layers(model)
        for weight in (layer.lora_kernel_a, layer.lora_kernel_b)
    ]


def base_weights(model: keras.Model) -> list[keras.Variable]:
    """The weights of `model` without those that LoRA adds."""
    lora = {id(weight) for weight in lora_weights(model)}
    return [weight for weight in model.weights if id(weight) not in lora]


def lora_settings(layer: keras.Layer) -> dict[str, dict[str, float]]:
    """Rank and alpha by the path of each layer with LoRA inside `layer`, as JSON has them."""
    return {x.path: {"rank": x.lora_rank, "alpha": x.lora_alpha} for x in lora_layers(layer)}


def restore_lora(layer: keras.Layer, settings: Mapping[str, Mapping[str, float]]) -> None:
    """Enables LoRA as `lora_settings` found it.

    Raises:
        ValueError: If there are no such layers, or they take no LoRA.
    """
    layers = {x.path: x for x in flatten_layers(layer) if hasattr(x, "enable_lora")}
    if unknown := sorted(settings.keys() - layers.keys()):
        raise ValueError(
            "`lora` must hold the paths of layers that can have LoRA. "
            f"Received: {', '.join(unknown)}"
        )
    for path, entry in settings.items():
        layers[path].enable_lora(entry["rank"], lora_alpha=entry["alpha"])


def merged_kernel(layer: keras.Layer) -> Any:
    """The kernel of a layer with LoRA, as a layer without has it, in the precision of weights."""
    kernel = frozen_kernel(layer)
    addition = ops.matmul(layer.lora_kernel_a, layer.lora_kernel_b)
    addition = addition * (layer.lora_alpha / layer.lora_rank)
    dtype = "float64" if kernel.dtype == "float64" else "float32"
    merged = ops.add(ops.cast(kernel, dtype), ops.cast(addition, dtype))
    return ops.cast(merged, kernel.dtype)


def forget_compiled(model: keras.Model) -> None:
    """Makes a model trace its functions anew, since what its layers compute has changed.

    TensorFlow would go on with those it has, without LoRA.
    """
    model.train_function = model.test_function = model.predict_function = None
