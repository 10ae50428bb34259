"""The layers of a model that have LoRA, and its weights with and without LoRA."""

import keras

from keras_resblocks_plugin._utils._kerashub import flatten_layers


def lora_layers(model: keras.Model) -> list[keras.Layer]:
    """Returns the layers at any depth of a model that have LoRA."""
    return [layer for layer in flatten_layers(model) if getattr(layer, "lora_enabled", False)]


def lora_weights(model: keras.Model) -> list[keras.Variable]:
    """Returns the LoRA weights of a model: two factors for each layer."""
    return [
        weight
        for layer in lora_layers(model)
        for weight in (layer.lora_kernel_a, layer.lora_kernel_b)
    ]


def base_weights(model: keras.Model) -> list[keras.Variable]:
    """Returns the weights of a model without those of LoRA."""
    lora = {id(weight) for weight in lora_weights(model)}
    return [weight for weight in model.weights if id(weight) not in lora]


def convolutions(model: keras.Model) -> list[keras.Layer]:
    """Returns the layers that can have LoRA: the convolutions at any depth of a model."""
    return [layer for layer in flatten_layers(model) if isinstance(layer, keras.layers.Conv2D)]
