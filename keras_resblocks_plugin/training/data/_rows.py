"""Rows of any dataset of the `datasets` library, and what can be wrong with one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow

from keras_resblocks_plugin.training.data._images import UnreadableImage


class BadRow(Exception):
    """A row of a dataset that cannot be trained or measured on.

    Args:
        fault: The kind of fault, a key of `FLAGS`.
        detail: The fault in this row, for an error.
    """

    def __init__(self, fault: str, detail: str):
        super().__init__(detail)
        self.fault = fault


# The flag that leaves out rows, by their fault.
FLAGS = {
    "images that cannot be read": "--skip-unreadable",
    "boxes of no area or outside of their image": "--skip-bad-boxes",
}
UNREADABLE, BAD_BOXES = FLAGS


def load_split(path: str, split: str, cache: Path | None) -> datasets.Dataset:
    """Loads one split with `datasets.load_dataset`, which caches its files in `cache`.

    Without `cache`, they go to the library's own cache.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        cache_dir = cache and str(cache / "datasets")
        return datasets.load_dataset(path, split=split, cache_dir=cache_dir)
    except ValueError as error:
        raise ValueError(
            f"The split {split!r} of the dataset {path!r} cannot be read: {error} Name another "
            "split, or make one with `datasets.Dataset.train_test_split`."
        ) from None


def read_column(dataset: datasets.Dataset, name: str) -> pyarrow.ChunkedArray:
    """Returns a column, mapped from its files, without a Python object for each of its rows."""
    return dataset.select_columns([name]).with_format("arrow")[:][name]


def load_rows(path: str, split: str, cache: Path, **columns: str) -> datasets.Dataset:
    """Loads some columns of one split.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        split: The name of the split.
        cache: A folder for the library's own files.
        **columns: The column of each kind: `image`, `mask` or `objects`.

    Raises:
        ValueError: If the split cannot be read, or lacks a column.
    """
    dataset = load_split(path, split, cache)
    for kind, column in columns.items():
        feature = dataset.features.get(column)
        if feature is None or (
            kind in ("image", "mask") and not isinstance(feature, datasets.Image)
        ):
            raise ValueError(
                f"The dataset {path!r} needs a column {column!r} of {kind.removesuffix('s')}s; "
                f"name another with --{kind}-column. Received: {dataset.features}"
            )
    if not len(dataset):
        raise ValueError(f"The split {split!r} of the dataset {path!r} has no rows.")
    dataset = dataset.select_columns(list(dict.fromkeys(columns.values())))
    for kind, column in columns.items():
        if kind in ("image", "mask"):
            dataset = dataset.cast_column(column, datasets.Image(decode=False))
    return dataset


def readable(read: Callable[[Any], np.ndarray], source: Any) -> np.ndarray:
    """Reads an image or a mask with `read_image` or `read_mask`.

    Raises:
        BadRow: If it cannot be read.
    """
    try:
        return read(source)
    except UnreadableImage as error:
        raise BadRow(UNREADABLE, str(error)) from None
