"""Weights files of PyTorch models: safetensors without PyTorch, checkpoints with it."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_resblocks_plugin._hub_client import Handle, fetch
from keras_resblocks_plugin._utils._safetensors import DTYPES, read_header
from keras_resblocks_plugin.convert._transfer import LoadedTensor, Tensor

SAFETENSORS_FILE = "model.safetensors"
# timm's own order.
_WEIGHTS_FILES = (SAFETENSORS_FILE, "pytorch_model.bin")
CONFIG_FILE = "config.json"
# What ends so is no repository whose `hf://` was left out.
_SUFFIXES = {".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".tar"}


def find_checkpoint(source: str | Path) -> Path:
    """The weights file that a Hub handle, a folder or a file stands for.

    Of a repository only the weights and `config.json` are downloaded.

    Raises:
        ValueError: If there is no such folder or file, or it has no weights.
        HubError: If it cannot be downloaded.
    """
    path = Path(source).expanduser()
    if not path.exists():
        is_handle = str(source).startswith("hf://")
        is_name = re.fullmatch(r"[\w.-]+/[\w.-]+(@\S+)?", str(source))
        if not is_handle and (not is_name or path.suffix in _SUFFIXES):
            raise ValueError(
                "`source` must be a Hub handle such as `hf://timm/resnet18.a1_in1k`, or exist: a "
                f"folder that timm saved, or a weights file. Received: source={str(source)!r}"
            )
        return _download(Handle.parse(str(source) if is_handle else f"hf://{source}"))
    if not path.is_dir():
        return path
    for name in _WEIGHTS_FILES:
        if (path / name).is_file():
            return path / name
    raise _no_weights(source)


def _download(handle: Handle) -> Path:
    # The first that there is: many a repository has the same weights in both formats.
    for name in _WEIGHTS_FILES:
        file = fetch(handle, files=[CONFIG_FILE, name]).folder / name
        if file.is_file():
            return file
    raise _no_weights(handle)


def _no_weights(source: object) -> ValueError:
    return ValueError(
        f"`source` must have {' or '.join(_WEIGHTS_FILES)}, as what timm saves. "
        f"Received: source={str(source)!r}"
    )


def read_tensors(file: Path) -> dict[str, Tensor]:
    """The weights in a file by name, without the counters of batches; heads are matrices.

    Raises:
        ValueError: If the file is damaged, or holds more than tensors.
        ImportError: If PyTorch is needed to read it, and is not there.
    """
    if file.suffix == ".safetensors":
        tensors = read_header(file, {**DTYPES, "I64": np.int64}).tensors
    else:
        tensors = _read_torch(file)
    # `DataParallel` puts this before every name.
    prefix = "module." if all(name.startswith("module.") for name in tensors) else ""
    return {
        name.removeprefix(prefix): _as_matrix(tensor) if name.endswith("fc.weight") else tensor
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    }


def _as_matrix(tensor: Tensor) -> Tensor:
    # timm's v2 classifies with a 1×1 convolution.
    if tuple(tensor.shape[2:]) != (1, 1):
        return tensor
    if isinstance(tensor, LoadedTensor):
        return LoadedTensor(tensor.array[:, :, 0, 0])
    return tensor._replace(shape=tensor.shape[:2])


def _read_torch(file: Path) -> dict[str, Tensor]:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"`{file}` is a PyTorch checkpoint, which only PyTorch reads: `pip install torch`, "
            "or convert a safetensors file."
        ) from error
    try:
        values: Any = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, OSError) as error:
        raise ValueError(
            f"`{file}` is not a PyTorch checkpoint that is safe to load: it is damaged, or holds "
            "more than tensors and numbers, which could run code. Where you trust it, save its "
            f"`state_dict` alone. Received: {error}"
        ) from None
    if isinstance(values, Mapping) and isinstance(values.get("state_dict"), Mapping):
        values = values["state_dict"]
    is_state = isinstance(values, Mapping) and all(map(torch.is_tensor, values.values()))
    if not is_state or not values:
        raise ValueError(
            f"`{file}` must hold a `state_dict`, tensors by name, or a dict with one under "
            f"'state_dict'. Received: {_summary(values)}"
        )
    return {name: LoadedTensor(tensor.to(torch.float32).numpy()) for name, tensor in values.items()}


def _summary(values: Any) -> str:
    if isinstance(values, Mapping):
        return f"a dict with {', '.join(map(repr, list(values)[:10])) or 'nothing'}"
    return type(values).__name__
