"""Weights in and out of safetensors files, strictly and all or nothing."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin._utils._memory import to_tensor
from keras_resblocks_plugin._utils._safetensors import (
    StoredTensor,
    read_header,
    read_metadata,
    write_file,
)
from keras_resblocks_plugin.lora._layers import base_weights
from keras_resblocks_plugin.lora._merging import merged_weights, reset_lora
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._preset_files import INDEX, INDEX_FILE, WEIGHTS_FILE
from keras_resblocks_plugin.saving._schema import check

_DIGEST = "weights_sha256"


def save_weights(model: keras.Model, folder: Path) -> None:
    """Writes `model.safetensors` and its index, keyed by weight path, into `folder`.

    LoRA is merged into the kernels, so that the file fits a model without it.
    """
    write_weights(merged_weights(model), folder)


def write_weights(arrays: Mapping[str, np.ndarray], folder: Path) -> None:
    """Writes weights by path, and their index, into `folder`, in place of those there.

    The digest of the weights is in the file's metadata, for what was saved with them.
    """
    _remove_earlier_weights(folder)
    metadata = {"format": "keras", _DIGEST: weights_digest(arrays)}
    write_file(folder / WEIGHTS_FILE, arrays, metadata)
    index = {
        "metadata": {"total_size": sum(array.nbytes for array in arrays.values())},
        "weight_map": dict.fromkeys(sorted(arrays), WEIGHTS_FILE),
    }
    (folder / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n")


def weights_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over the paths, dtypes, shapes and bytes of weights as they are stored."""
    digest = hashlib.sha256()
    for path in sorted(arrays):
        array = np.asarray(arrays[path], order="C")
        digest.update(json.dumps([path, array.dtype.name, array.shape]).encode())
        digest.update(array.reshape(-1).view("uint8"))
    return digest.hexdigest()


def stored_digest(file: Path) -> str | None:
    """The digest of the weights in a file; `None` where an earlier version wrote it."""
    return read_metadata(file).get(_DIGEST)


def load_weights(model: keras.Model, index: Path, head: SavedHead | None = None) -> None:
    """Loads what `save_weights` wrote; assigns nothing unless everything fits.

    Files of any float precision load into models of any. The
    tensors are read one at a time, so that memory grows by the largest of them.

    Args:
        model: A built model.
        index: The path of `model.weights.json`.
        head: The head that was loaded before, if it must have been saved with them.

    Raises:
        ValueError: If the index or a file is not what its name says, or if a weight is
            missing, unexpected or of another shape. All such weights are listed. Or if the
            head is that of other weights.
    """
    tensors = {}
    weight_map = read_index(index)
    for name in sorted(set(weight_map.values())):
        tensors |= read_header(index.parent / name)
    _check_same_names(weight_map, tensors, f"the index {index}", "the files it names")
    variables = {weight.path: weight for weight in base_weights(model)}
    check_fit(variables, tensors, index.parent)
    for file in {tensor.file for tensor in tensors.values()} if head else ():
        head.check_backbone(file, stored_digest(file))
    for path, variable in variables.items():
        variable.assign(to_tensor(tensors[path].read(variable.dtype)))
    # The loaded kernels include LoRA.
    reset_lora(model)


def read_index(index: Path) -> dict[str, str]:
    """The `weight_map` of an index: weight path → file name, inside the index's folder.

    Raises:
        ValueError: If it is not an index, or names a file outside the folder.
    """
    content = read_json(index)
    check(index, content, INDEX)
    weight_map = content["weight_map"]
    for name in set(weight_map.values()):
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
        names = read_json(file)["weight_map"].values()
        of_keras = all(str(name).endswith(".h5") for name in keras.tree.flatten(list(names)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        of_keras = False
    return not of_keras or (file.parent / "config.json").exists()


def _remove_earlier_weights(folder: Path) -> None:
    # KerasHub prefers an h5 file to any index, and no index would list the old one's files.
    with contextlib.suppress(ValueError, OSError):
        for name in set(read_index(folder / INDEX_FILE).values()):
            (folder / name).unlink()
    for file in folder.glob("model*.weights.h5"):
        file.unlink()


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
