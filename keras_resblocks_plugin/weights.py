"""Weights in and out of safetensors files, strictly and all or nothing."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._pages import to_tensor
from keras_resblocks_plugin._safetensors import StoredTensor, read_header, write_file
from keras_resblocks_plugin.lora import lora_layers, lora_weights, merged_kernel

WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.weights.json"


def save_weights(model: keras.Model, folder: Path) -> None:
    """Writes `model.safetensors` and its index, keyed by weight path, into `folder`.

    LoRA is merged into the kernels, so that the file fits a model without it.
    """
    arrays = merged_weights(model)
    _remove_earlier_weights(folder)
    write_file(folder / WEIGHTS_FILE, arrays, {"format": "keras"})
    index = {
        "metadata": {"total_size": sum(array.nbytes for array in arrays.values())},
        "weight_map": dict.fromkeys(sorted(arrays), WEIGHTS_FILE),
    }
    (folder / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n")


def merged_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """The weights of a model by path, as a model without LoRA has them: merged."""
    merged = {layer._kernel.path: merged_kernel(layer) for layer in lora_layers(model)}
    return {
        weight.path: keras.ops.convert_to_numpy(merged.get(weight.path, weight))
        for weight in base_weights(model)
    }


def load_weights(model: keras.Model, index: Path) -> None:
    """Loads what `save_weights` wrote; assigns nothing unless everything fits.

    Files of any float precision load into models of any. The
    tensors are read one at a time, so that memory grows by the largest of them.

    Args:
        model: A built model.
        index: The path of `model.weights.json`.

    Raises:
        ValueError: If the index or a file is not what its name says, or if a weight is
            missing, unexpected or of another shape. All such weights are listed.
    """
    tensors = {}
    weight_map = read_index(index)
    for name in sorted(set(weight_map.values())):
        tensors |= read_header(index.parent / name)
    _check_same_names(weight_map, tensors, f"the index {index.name}", "the files it names")
    variables = {weight.path: weight for weight in base_weights(model)}
    check_fit(variables, tensors, index.parent)
    for path, variable in variables.items():
        variable.assign(to_tensor(tensors[path].read(variable.dtype)))
    for layer in lora_layers(model):
        # The file's kernels stand for the whole; what is added to them starts anew.
        layer.lora_kernel_b.assign(keras.ops.zeros(layer.lora_kernel_b.shape))


def read_index(index: Path) -> dict[str, str]:
    """The `weight_map` of an index: weight path → file name, inside the index's folder.

    Raises:
        ValueError: If it is not an index, or names a file outside the folder.
    """
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = set(weight_map.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"`{index}` must be a JSON file with a `weight_map` from weight path to file "
            f"name. Download or save the preset again. Received: {error!r}"
        ) from None
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or "\\" in name:
            raise ValueError(
                f"`weight_map` in `{index}` must name files in its own folder. "
                f"Received: {name!r}. Do not use this preset unless you know who wrote it."
            )
        if not name.endswith(".safetensors"):
            raise ValueError(
                f"`weight_map` in `{index}` must name .safetensors files. Received: {name!r}"
            )
        if not (index.parent / name).is_file():
            raise ValueError(
                f"`{index.parent / name}` is missing, and `{index.name}` names it. "
                "Download or save the preset again."
            )
    return weight_map


def is_index(file: Path) -> bool:
    """Whether a file is an index of this package, and not one of Keras' sharded weights.

    Both may have the same name. In a preset, where a `config.json` is beside it, it must be ours.
    """
    if file.suffix != ".json":
        return False
    try:
        names = json.loads(file.read_text(encoding="utf-8"))["weight_map"].values()
        of_keras = all(str(name).endswith(".h5") for name in keras.tree.flatten(list(names)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        of_keras = False
    return not of_keras or (file.parent / "config.json").exists()


def _remove_earlier_weights(folder: Path) -> None:
    # KerasHub prefers an h5 file to any index, and no index would list the old one's files.
    with contextlib.suppress(ValueError, OSError):
        for name in set(read_index(folder / INDEX_FILE).values()):
            (folder / name).unlink()
    for file in folder.glob("model*.weights.h5"):
        file.unlink()


def base_weights(model: keras.Model) -> list[keras.Variable]:
    """The weights of a model without what LoRA adds."""
    lora = {id(weight) for weight in lora_weights(model)}
    return [weight for weight in model.weights if id(weight) not in lora]


def check_fit(variables: dict[str, Any], tensors: dict[str, StoredTensor], folder: Path) -> None:
    """Checks that what has shapes under its paths, and the tensors there, are the same.

    Raises:
        ValueError: If they are not; all that differ are listed.
    """
    _check_same_names(variables, tensors, "the model", f"the weights in `{folder}`")
    misshaped = [
        f"{path}: {tuple(variable.shape)} in the model, {tensors[path].shape} in the file"
        for path, variable in variables.items()
        if tuple(variable.shape) != tensors[path].shape
    ]
    if misshaped:
        raise ValueError(
            f"The weights in `{folder}` are of another architecture, or `image_shape` asks "
            f"for other channels than they were trained on. Nothing was loaded. "
            f"Misshaped: {_listed(misshaped)}"
        )


def _check_same_names(left: Iterable, right: Iterable, left_name: str, right_name: str) -> None:
    left, right = set(left), set(right)
    if left != right:
        raise ValueError(
            f"{left_name[0].upper()}{left_name[1:]} and {right_name} must have the same names: "
            "these are of another architecture. Nothing was loaded. "
            f"Only in {left_name}: {_listed(left - right)}. "
            f"Only in {right_name}: {_listed(right - left)}."
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
