"""Weights files of PyTorch models: safetensors, and checkpoints if PyTorch is installed."""

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
# In timm's order of preference.
_WEIGHTS_FILES = (SAFETENSORS_FILE, "pytorch_model.bin")
CONFIG_FILE = "config.json"
# A name with one of these suffixes is a file and not a repository without `hf://`.
_SUFFIXES = {".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".tar"}


def find_checkpoint(source: str | Path) -> Path:
    """Returns the weights file of a Hub handle, a folder or a file.

    Only the weights and `config.json` of a repository are downloaded.

    Raises:
        ValueError: If there is no such folder or file, or if it has no weights.
        HubError: If it cannot be downloaded.
    """
    path = Path(source).expanduser()
    if not path.exists():
        is_handle = str(source).startswith("hf://")
        is_name = re.fullmatch(r"[\w.-]+/[\w.-]+(@\S+)?", str(source))
        if not is_handle and (not is_name or path.suffix in _SUFFIXES):
            raise ValueError(
                "`source` must be a Hub handle such as `hf://timm/resnet18.a1_in1k`, an existing "
                "folder that timm saved, or an existing weights file. "
                f"Received: source={str(source)!r}"
            )
        return _download(Handle.parse(str(source) if is_handle else f"hf://{source}"))
    if not path.is_dir():
        return path
    for name in _WEIGHTS_FILES:
        if (path / name).is_file():
            return path / name
    raise _no_weights(source)


def _download(handle: Handle) -> Path:
    # Only the first that exists: many repositories have the same weights in both formats.
    for name in _WEIGHTS_FILES:
        file = fetch(handle, files=[CONFIG_FILE, name]).folder / name
        if file.is_file():
            return file
    raise _no_weights(handle)


def _no_weights(source: object) -> ValueError:
    return ValueError(
        f"`source` must contain {' or '.join(_WEIGHTS_FILES)}, as timm saves them. "
        f"Received: source={str(source)!r}"
    )


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Reads the weights in a file.

    Returns:
        The weights by name, without the batch counters. The head's kernel is a matrix.

    Raises:
        ValueError: If the file is damaged, or contains more than tensors.
        ImportError: If the file is a PyTorch checkpoint and PyTorch is not installed.
    """
    if file.suffix == ".safetensors":
        tensors = read_header(file, {**DTYPES, "I64": np.int64}).tensors
    else:
        tensors = _read_torch(file)
    # `DataParallel` adds this prefix to every name.
    prefix = "module." if all(name.startswith("module.") for name in tensors) else ""
    return {
        name.removeprefix(prefix): _as_matrix(tensor) if name.endswith("fc.weight") else tensor
        for name, tensor in tensors.items()
        if not name.endswith("num_batches_tracked")
    }


def _as_matrix(tensor: Tensor) -> Tensor:
    # The head of timm's v2 networks is a 1×1 convolution.
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
            f"`{file}` is a PyTorch checkpoint, which only PyTorch can read. Run `pip install "
            "torch`, or convert a safetensors file."
        ) from error
    try:
        values: Any = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, OSError) as error:
        raise ValueError(
            f"`{file}` is not a PyTorch checkpoint that is safe to load: it is damaged, or it "
            "contains objects other than tensors and numbers, which could run code. If you trust "
            f"it, save its `state_dict` alone. Received: {error}"
        ) from None
    if isinstance(values, Mapping) and isinstance(values.get("state_dict"), Mapping):
        values = values["state_dict"]
    is_state = isinstance(values, Mapping) and all(map(torch.is_tensor, values.values()))
    if not is_state or not values:
        raise ValueError(
            f"`{file}` must contain a `state_dict`, which maps names to tensors, or a dict with "
            f"one under 'state_dict'. Received: {_summary(values)}"
        )
    return {name: LoadedTensor(tensor.to(torch.float32).numpy()) for name, tensor in values.items()}


def _summary(values: Any) -> str:
    if isinstance(values, Mapping):
        return f"a dict with {', '.join(map(repr, list(values)[:10])) or 'nothing'}"
    return type(values).__name__
