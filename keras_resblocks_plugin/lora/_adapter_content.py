"""The content of an adapter, checked against the model that it is loaded into."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_resblocks_plugin._utils._kerashub import frozen_kernel
from keras_resblocks_plugin._utils._safetensors import DTYPES, read_header
from keras_resblocks_plugin._utils._weight_differences import weight_differences
from keras_resblocks_plugin.lora._adapter_metadata import (
    AdapterMetadata,
    check_architecture,
    read_adapter_metadata,
)
from keras_resblocks_plugin.lora._layers import convolutions, lora_layers


class Adapter(NamedTuple):
    """The content of a file that fits a model: metadata, the layers it is for, and weights."""

    metadata: AdapterMetadata
    layers: list[keras.Layer]
    arrays: dict[str, np.ndarray]


def read_adapter(file: Path, backbone: keras.Model, head: Sequence[keras.Variable]) -> Adapter:
    """Reads an adapter, all of it, and checks that it fits a backbone and its head.

    Args:
        file: The file.
        backbone: A backbone with the same LoRA or none.
        head: The weights of the head.

    Raises:
        ValueError: If the file is damaged, or is for another architecture or rank, or for other
            layers or another head.
    """
    # A quantized head has int8 weights.
    header = read_header(file, {**DTYPES, "I8": np.int8})
    tensors, metadata = header.tensors, read_adapter_metadata(file, header)
    check_architecture(metadata["architecture"], backbone, file)
    layers = _matching_layers(backbone, tensors, metadata["rank"], file)
    variables = {weight.path: weight for weight in head}
    expected = _lora_shapes(layers, metadata["rank"]) | {k: v.shape for k, v in variables.items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if differences := weight_differences(expected, found):
        raise ValueError(
            f"`{file}` is for other layers or another head than this model has. Nothing was "
            f"loaded. {differences}"
        )
    _check_class_names(metadata["class_names"], head, file)
    arrays = {
        name: tensor.read(variables[name].dtype if name in variables else "float32")
        for name, tensor in tensors.items()
    }
    return Adapter(metadata, layers, arrays)


def _check_class_names(
    class_names: Sequence[str] | None, head: Sequence[keras.Variable], file: Path
) -> None:
    biases = [weight for weight in head if weight.name == "bias"]
    if class_names and biases and len(class_names) != biases[0].shape[0]:
        raise ValueError(
            f"`{file}` names {len(class_names)} classes, and its head has {biases[0].shape[0]}. "
            "Nothing was loaded. Download or save the adapter again."
        )


def _matching_layers(
    backbone: keras.Model, paths: Mapping[str, object], rank: int, file: Path
) -> list[keras.Layer]:
    """Returns the layers that have LoRA, or else those that a file has LoRA for."""
    present = lora_layers(backbone)
    if present and present[0].lora_rank != rank:
        raise ValueError(
            f"`{file}` has LoRA of rank {rank}, and this model has it of rank "
            f"{present[0].lora_rank}. Nothing was loaded. Load it into a model without LoRA."
        )
    names = {path.split("/")[-2] for path in paths if path.endswith("/lora_kernel_a")}
    return present or [layer for layer in convolutions(backbone) if layer.name in names]


def _lora_shapes(layers: Sequence[keras.Layer], rank: int) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the LoRA weights of layers, by path, whether they have LoRA or not."""
    shapes = {}
    for layer in layers:
        kernel = frozen_kernel(layer)
        path, shape = kernel.path.removesuffix("/kernel"), tuple(kernel.shape)
        shapes[f"{path}/lora_kernel_a"] = (*shape[:-1], rank)
        shapes[f"{path}/lora_kernel_b"] = (rank, shape[-1])
    return shapes
