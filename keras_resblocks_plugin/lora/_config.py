"""The rank and alpha of LoRA, kept in the config of a layer or a backbone."""

from collections.abc import Mapping

import keras

from keras_resblocks_plugin._utils._kerashub import flatten_layers
from keras_resblocks_plugin.lora._layers import lora_layers


def lora_settings(layer: keras.Layer) -> dict[str, dict[str, float]]:
    """Returns rank and alpha by the path of each layer with LoRA inside `layer`, as for JSON."""
    return {x.path: {"rank": x.lora_rank, "alpha": x.lora_alpha} for x in lora_layers(layer)}


def restore_lora(layer: keras.Layer, settings: Mapping[str, Mapping[str, float]]) -> None:
    """Enables LoRA on the layers inside `layer` that `lora_settings` returned.

    Raises:
        ValueError: If there are no such layers, or they cannot have LoRA.
    """
    layers = {x.path: x for x in flatten_layers(layer) if hasattr(x, "enable_lora")}
    if unknown := sorted(settings.keys() - layers.keys()):
        raise ValueError(
            "`lora` must hold the paths of layers that can have LoRA. "
            f"Received: {', '.join(unknown)}"
        )
    for path, entry in settings.items():
        layers[path].enable_lora(entry["rank"], lora_alpha=entry["alpha"])
