"""Saving and loading of adapters: safetensors files that hold LoRA and a head."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import keras

from keras_resblocks_plugin._hub_client import fetch
from keras_resblocks_plugin._utils._compilation import forget_compiled
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin._utils._replace import replacing_file
from keras_resblocks_plugin._utils._safetensors import write_file
from keras_resblocks_plugin.lora._adapter_content import read_adapter
from keras_resblocks_plugin.lora._adapter_metadata import (
    ADAPTER_FILE,
    base_digest,
    new_adapter_metadata,
)
from keras_resblocks_plugin.lora._layers import lora_layers, lora_weights


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
    adapter = one_save(file, lambda: read_adapter(file, backbone, head))
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
