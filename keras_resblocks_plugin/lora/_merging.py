"""LoRA merged into the kernels, as a model without LoRA has them."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_resblocks_plugin._utils._kerashub import frozen_kernel
from keras_resblocks_plugin.lora._layers import base_weights, lora_layers


def merged_kernel(layer: keras.Layer) -> Any:
    """Computes the sum of a kernel and its LoRA, in the precision of the weights."""
    kernel = frozen_kernel(layer)
    lora = ops.matmul(layer.lora_kernel_a, layer.lora_kernel_b)
    lora = lora * (layer.lora_alpha / layer.lora_rank)
    dtype = "float64" if kernel.dtype == "float64" else "float32"
    merged = ops.add(ops.cast(kernel, dtype), ops.cast(lora, dtype))
    return ops.cast(merged, kernel.dtype)


def merged_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns copies of the weights by path, with LoRA merged into the kernels."""
    merged = {frozen_kernel(layer).path: merged_kernel(layer) for layer in lora_layers(model)}
    return {
        weight.path: ops.convert_to_numpy(merged.get(weight.path, weight))
        for weight in base_weights(model)
    }


def reset_lora(model: keras.Model) -> None:
    """Sets LoRA to zero, for kernels that were loaded with LoRA merged into them."""
    for layer in lora_layers(model):
        layer.lora_kernel_b.assign(ops.zeros(layer.lora_kernel_b.shape))
