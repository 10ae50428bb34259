"""LoRA alone in a safetensors file: small, and of use to whoever has the weights it adds to."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._hub_client import fetch
from keras_resblocks_plugin._utils._kerashub import flatten_layers, frozen_kernel
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin._utils._replace import replacing_file
from keras_resblocks_plugin._utils._safetensors import DTYPES, StoredTensor, read_header, write_file
from keras_resblocks_plugin._utils._weight_differences import weight_differences
from keras_resblocks_plugin.lora._adapter_metadata import (
    ADAPTER_FILE,
    base_digest,
    check_architecture,
    new_adapter_metadata,
    read_adapter_metadata,
)
from keras_resblocks_plugin.lora._lora import forget_compiled, lora_layers, lora_weights


def save_adapter(
    backbone: keras.Model,
    filepath: str | Path,
    head: Sequence[keras.Variable] = (),
    class_names: Sequence[str] | None = None,
) -> None:
    """Writes what LoRA adds to a backbone, and the weights of a head, keyed by weight path.

    Args:
        backbone: A backbone with LoRA.
        filepath: The file, which ends in `.safetensors`.
        head: The weights of the head that was trained with it.
        class_names: The classes of the head.

    Raises:
        ValueError: If there is no LoRA, or the file has another ending.
    """
    file = local_path("filepath", filepath)
    if file.suffix != ".safetensors":
        raise ValueError(
            f"`filepath` must end in `.safetensors`. Received: filepath={str(filepath)!r}"
        )
    layers = lora_layers(backbone)
    kinds = {(layer.lora_rank, layer.lora_alpha) for layer in layers}
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
    backbone: keras.Model, filepath: str | Path, head: Sequence[keras.Variable] = ()
) -> list[str] | None:
    """Loads what `save_adapter` wrote; changes nothing unless everything fits.

    Args:
        backbone: A backbone of the same architecture and weights, with the same LoRA or none.
        filepath: The file, a folder that has it, or `hf://user/name`.
        head: The weights of the head.

    Returns:
        The class names in the file.

    Raises:
        ValueError: If the file is damaged, or is that of another architecture or rank, or of
            other layers or another head.
        HubError: If it cannot be downloaded.
    """
    file = _locate(filepath)
    # In memory, all of it, before the backbone changes: the file may be saved over meanwhile.
    metadata, layers, arrays = one_save(file, lambda: _read(file, backbone, head))
    if metadata["base"] != base_digest(backbone):
        warnings.warn(
            f"`{file}` was trained on other weights than this model has: another preset's, "
            "changed ones, or the same in another precision. Its additions hold for those.",
            stacklevel=3,
        )
    if not lora_layers(backbone):
        backbone.enable_lora(metadata["rank"], sorted({layer.name for layer in layers}))
    for variable in (*lora_weights(backbone), *head):
        variable.assign(arrays[variable.path])
    for layer in layers:
        layer.lora_alpha = metadata["alpha"]
    forget_compiled(backbone)
    return metadata["class_names"]


def _read(
    file: Path, backbone: keras.Model, head: Sequence[keras.Variable]
) -> tuple[dict[str, Any], list[keras.Layer], dict[str, np.ndarray]]:
    """The metadata of a file that fits, the layers it is for, and its tensors."""
    # A quantized head has int8 weights.
    header = read_header(file, {**DTYPES, "I8": np.int8})
    tensors, metadata = header.tensors, read_adapter_metadata(file, header)
    check_architecture(metadata["architecture"], backbone, file)
    layers = _adapted(backbone, tensors, metadata["rank"], file)
    expected = _shapes(layers, metadata["rank"]) | {weight.path: weight.shape for weight in head}
    found = {path: tensor.shape for path, tensor in tensors.items()}
    if problems := weight_differences(expected, found):
        raise ValueError(
            f"`{file}` does not have the weights that LoRA and a head add to this model. "
            f"Nothing was loaded. {problems}"
        )
    class_names = metadata["class_names"]
    biases = [weight for weight in head if weight.name == "bias"]
    if class_names and biases and len(class_names) != biases[0].shape[0]:
        raise ValueError(
            f"`{file}` names {len(class_names)} classes, and its head has {biases[0].shape[0]}. "
            "Nothing was loaded. Download or save the adapter again."
        )
    variables = {weight.path: weight for weight in head}
    arrays = {
        name: tensor.read(variables[name].dtype if name in variables else "float32")
        for name, tensor in tensors.items()
    }
    return metadata, layers, arrays


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


def _adapted(
    backbone: keras.Model, tensors: dict[str, StoredTensor], rank: int, file: Path
) -> list[keras.Layer]:
    """The layers that a file is for: those that have LoRA, or could."""
    present = lora_layers(backbone)
    if present and present[0].lora_rank != rank:
        raise ValueError(
            f"`{file}` has LoRA of rank {rank}, and this model has it of rank "
            f"{present[0].lora_rank}. Nothing was loaded. Load it into a model without."
        )
    names = {path.split("/")[-2] for path in tensors if path.endswith("/lora_kernel_a")}
    convolutions = [x for x in flatten_layers(backbone) if isinstance(x, keras.layers.Conv2D)]
    return present or [layer for layer in convolutions if layer.name in names]


def _shapes(layers: Sequence[keras.Layer], rank: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the weights that LoRA of that rank adds to the layers, by path."""
    shapes = {}
    for layer in layers:
        kernel = frozen_kernel(layer)
        path, shape = kernel.path.removesuffix("/kernel"), tuple(kernel.shape)
        shapes[f"{path}/lora_kernel_a"] = (*shape[:-1], rank)
        shapes[f"{path}/lora_kernel_b"] = (rank, shape[-1])
    return shapes
