"""Tests for kinds of datasets. They import no library: a dataset's own is imported already."""

import sys
from typing import Any


def is_tf_dataset(data: Any) -> bool:
    """`True` for a `tf.data.Dataset`."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(data, tensorflow.data.Dataset)


def is_grain_dataset(data: Any) -> bool:
    """`True` for a `grain.MapDataset` or `grain.IterDataset`."""
    grain = sys.modules.get("grain")
    return grain is not None and isinstance(data, grain.MapDataset | grain.IterDataset)


def is_grain_loader(data: Any) -> bool:
    """`True` for a `grain.DataLoader`."""
    grain = sys.modules.get("grain")
    return grain is not None and isinstance(data, grain.DataLoader)


def is_torch_loader(data: Any) -> bool:
    """`True` for a `torch.utils.data.DataLoader`."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.utils.data.DataLoader)


def has_end(dataset: Any) -> bool:
    """`True` for a grain dataset with a finite number of batches."""
    try:
        return len(dataset) < sys.maxsize
    except TypeError:
        return False
