"""Adapters: safetensors files that hold LoRA alone, for a model with the weights it is added to."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_resblocks_plugin._hub_client import fetch
from keras_resblocks_plugin._utils._compilation import forget_compiled
from keras_resblocks_plugin._utils._kerashub import frozen_kernel
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin._utils._replace import replacing_file
from keras_resblocks_plugin._utils._safetensors import DTYPES, read_header, write_file
from keras_resblocks_plugin._utils._weight_differences import weight_differences
from keras_resblocks_plugin.lora._adapter_metadata import (
    ADAPTER_FILE,
    AdapterMetadata,
    base_digest,
    check_architecture,
    new_adapter_metadata,
    read_adapter_metadata,
)
from keras_resblocks_plugin.lora._layers import convolutions, lora_layers, lora_weights


def save_adapter(
    model: keras.Model,
    filepath: str | Path,
    head: Sequence[keras.Variable] = (),
    class_names: Sequence[str] | None = None,
) -> None:
    """Saves the LoRA weights of a model and the weights of its head, by weight path.

    Args:
        model: A backbone with LoRA, or a task on one.
        filepath: string or path. The file, which ends in `.safetensors`.
        head: list of variables. The weights of the head that was trained with LoRA.
        class_names: list of strings. The classes of the head.

    Raises:
        ValueError: If there is no LoRA, or the file has another suffix.
    """
    file = local_path("filepath", filepath)
    if file.suffix != ".safetensors":
        raise ValueError(
            f"`filepath` must end in `.safetensors`. Received: filepath={str(filepath)!r}"
        )
    backbone = _backbone_of(model)
    kinds = {(layer.lora_rank, layer.lora_alpha) for layer in lora_layers(backbone)}
    if len(kinds) != 1:
        raise ValueError(
            "The model must have LoRA, of one rank and alpha: `krp.freeze(model, 'lora')`. "
            f"Received: {f'several, {sorted(kinds)}' if kinds else 'none'}"
        )
    weights = (*lora_weights(backbone), *head)
    arrays = {weight.path: keras.ops.convert_to_numpy(weight) for weight in weights}
    ((rank, alpha),) = kinds
    metadata = new_adapter_metadata(backbone, rank, alpha, class_names)
    with replacing_file(file) as staged:
        write_file(staged, arrays, metadata)


def load_adapter(
    model: keras.Model, filepath: str | Path, head: Sequence[keras.Variable] = ()
) -> list[str] | None:
    """Loads what `save_adapter` saved; changes nothing unless everything fits.

    Args:
        model: A backbone of the same architecture and weights, with the same LoRA or none, or a
            task on one.
        filepath: string or path. The file, a folder that holds it, or `"hf://user/name"`.
        head: list of variables. The weights of the head.

    Returns:
        The class names in the file.

    Raises:
        ValueError: If the file is damaged, or is for another architecture or rank, or for other
            layers or another head.
        HubError: If it cannot be downloaded.
    """
    backbone = _backbone_of(model)
    file = _locate(filepath)
    # All of it in memory before the backbone changes, since another process may save meanwhile.
    adapter = one_save(file, lambda: _read(file, backbone, head))
    if adapter.metadata["base"] != base_digest(backbone):
        warnings.warn(
            f"`{file}` was trained on other weights than this model has: another preset's, "
            "changed ones, or the same in another precision. Its LoRA belongs to those.",
            stacklevel=3,
        )
    if not lora_layers(backbone):
        names = sorted({layer.name for layer in adapter.layers})
        backbone.enable_lora(adapter.metadata["rank"], names)
    for variable in (*lora_weights(backbone), *head):
        variable.assign(adapter.arrays[variable.path])
    for layer in adapter.layers:
        layer.lora_alpha = adapter.metadata["alpha"]
    forget_compiled(backbone, model)
    return adapter.metadata["class_names"]


class _Adapter(NamedTuple):
    """The content of a file that fits a model: metadata, the layers it is for, and weights."""

    metadata: AdapterMetadata
    layers: list[keras.Layer]
    arrays: dict[str, np.ndarray]


def _read(file: Path, backbone: keras.Model, head: Sequence[keras.Variable]) -> _Adapter:
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
    return _Adapter(metadata, layers, arrays)


def _check_class_names(
    class_names: Sequence[str] | None, head: Sequence[keras.Variable], file: Path
) -> None:
    biases = [weight for weight in head if weight.name == "bias"]
    if class_names and biases and len(class_names) != biases[0].shape[0]:
        raise ValueError(
            f"`{file}` names {len(class_names)} classes, and its head has {biases[0].shape[0]}. "
            "Nothing was loaded. Download or save the adapter again."
        )


def _backbone_of(model: keras.Model) -> keras.Model:
    return getattr(model, "backbone", model)


def _locate(filepath: str | Path) -> Path:
    if str(filepath).startswith("hf://"):
        filepath = fetch(str(filepath)).folder
    file = local_path("filepath", filepath)
    file = file / ADAPTER_FILE if file.is_dir() else file
    if not file.is_file():
        raise ValueError(
            f"`filepath` must be an adapter, a folder with an `{ADAPTER_FILE}`, or a handle like "
            f"`hf://user/name`. Received: filepath={str(filepath)!r}"
        )
    return file


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
