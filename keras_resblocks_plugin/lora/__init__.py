"""Low-rank adaptation (LoRA) of kernels, beyond what Keras does.

Keras adds LoRA to a layer. This room chooses the layers, merges LoRA into kernels, keeps it in
configs and in Keras' files, and stores it alone in a small file, an adapter.
"""

from keras_resblocks_plugin.lora._adapter_file import load_adapter, save_adapter
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE, read_adapter_metadata
from keras_resblocks_plugin.lora._layers import base_weights, lora_layers, lora_weights
from keras_resblocks_plugin.lora._merging import merged_weights, reset_lora

__all__ = [
    "ADAPTER_FILE",
    "base_weights",
    "load_adapter",
    "lora_layers",
    "lora_weights",
    "merged_weights",
    "read_adapter_metadata",
    "reset_lora",
    "save_adapter",
]
