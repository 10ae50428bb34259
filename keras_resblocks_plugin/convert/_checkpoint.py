"""Weights files of PyTorch models: safetensors, and checkpoints if PyTorch is installed."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_resblocks_plugin._utils._safetensors import DTYPES, read_header
from keras_resblocks_plugin.convert._file_kinds import refuse_other_kinds
from keras_resblocks_plugin.convert._transfer import LoadedTensor, Tensor

SAFETENSORS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Reads the weights in a file.

    Returns:
        The weights by name, without the batch counters. The head's kernel is a matrix.

    Raises:
        ValueError: If the file is damaged, or contains more than tensors.
        ImportError: If the file is a PyTorch checkpoint and PyTorch is not installed.
    """
    if file.suffix == ".safetensors":
        refuse_other_kinds(file, but_safetensors=True)
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
    refuse_other_kinds(file)
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"`{file}` is a PyTorch checkpoint, which only PyTorch can read. Run `pip install "
            "torch`, or convert a safetensors file."
        ) from error
    try:
        values: Any = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"`{file}` contains objects other than tensors and numbers, or is damaged, so it was "
            "not loaded: such objects can run code. Ask whoever saved it for its `state_dict` "
            f"alone, as safetensors. Received: {_cause(error)}"
        ) from None
    except (RuntimeError, EOFError, KeyError, OSError) as error:
        raise ValueError(
            f"`{file}` is not a PyTorch checkpoint, or it is damaged. Download it again. "
            f"Received: {_cause(error)}"
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


def _cause(error: Exception) -> str:
    """Returns why PyTorch refused a file, without its advice to load it with all checks off."""
    text = " ".join(str(error).split())
    refused = re.search(r"GLOBAL (\S+)", text)
    return refused[1] if refused else re.split(r"(?<=[.:]) |weights_only", text)[0]


def _summary(values: Any) -> str:
    if isinstance(values, Mapping):
        return f"a dict with {', '.join(map(repr, list(values)[:10])) or 'nothing'}"
    return type(values).__name__
