"""Strict, all-or-nothing saving and loading of weights in safetensors files."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import keras
import ml_dtypes
import numpy as np

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin._utils._memory import to_tensor
from keras_resblocks_plugin._utils._safetensors import write_file
from keras_resblocks_plugin.lora._layers import base_weights
from keras_resblocks_plugin.lora._merging import merged_weights, reset_lora
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._preset_files import INDEX_FILE, WEIGHTS_FILE
from keras_resblocks_plugin.saving._stored_weights import (
    DIGEST,
    StoredWeights,
    check_fit,
    checked_weight_map,
)

_DTYPES = {"bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


def save_weights(model: keras.Model, folder: Path, dtype: str | None = None) -> None:
    """Writes `model.safetensors` and its index into `folder`, replacing existing ones.

    LoRA is merged into the kernels, so that the file fits a model without it. The file's metadata
    has the digest of the weights, by which a head knows them.

    Args:
        model: The model.
        folder: The folder.
        dtype: string. The dtype in which kernels are stored; `None` for their own. Vectors, such
            as the statistics of batch normalization, always keep theirs: they take little space,
            and an error in one value affects a whole channel.
    """
    arrays = merged_weights(model)
    if dtype is not None:
        arrays = {path: stored_as(array, dtype) for path, array in arrays.items()}
    _remove_earlier_weights(folder)
    metadata = {"format": "keras", DIGEST: weights_digest(arrays)}
    write_file(folder / WEIGHTS_FILE, arrays, metadata)
    index = {
        "metadata": {"total_size": sum(array.nbytes for array in arrays.values())},
        "weight_map": dict.fromkeys(sorted(arrays), WEIGHTS_FILE),
    }
    (folder / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n")


def stored_as(array: np.ndarray, dtype: str) -> np.ndarray:
    """A weight as it is stored where kernels are stored in `dtype`."""
    return array.astype(np.dtype(_DTYPES[dtype])) if array.ndim > 1 else array


def weights_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over the paths, dtypes, shapes and bytes of weights as they are stored."""
    digest = hashlib.sha256()
    for path in sorted(arrays):
        array = np.asarray(arrays[path], order="C")
        digest.update(json.dumps([path, array.dtype.name, array.shape]).encode())
        digest.update(array.reshape(-1).view("uint8"))
    return digest.hexdigest()


def load_weights(model: keras.Model, stored: StoredWeights, head: SavedHead | None = None) -> None:
    """Loads what `save_weights` wrote; assigns nothing unless everything fits.

    Files of any float precision load into models of any. The tensors are read one at a time, so
    that the memory grows by the largest of them alone.

    Args:
        model: A built model.
        stored: The weights of a preset folder.
        head: The head that was loaded before, if it must have been saved with them.

    Raises:
        ValueError: If a weight is missing, unexpected or of another shape; the error lists all
            such weights. Also if the head was saved with other weights.
    """
    stored.check_complete()
    tensors = stored.tensors
    variables = {weight.path: weight for weight in base_weights(model)}
    shapes = {path: variable.shape for path, variable in variables.items()}
    check_fit(shapes, tensors, stored.index.parent)
    stored.check_head(head)
    for path, variable in variables.items():
        variable.assign(to_tensor(tensors[path].read(variable.dtype)))
    # The loaded kernels include LoRA.
    reset_lora(model)


def is_index(file: Path) -> bool:
    """Tells an index of this package from one of Keras' sharded weights.

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
        index = folder / INDEX_FILE
        for name in set(checked_weight_map(index, read_json(index)).values()):
            (folder / name).unlink()
    for file in folder.glob("model*.weights.h5"):
        file.unlink()
