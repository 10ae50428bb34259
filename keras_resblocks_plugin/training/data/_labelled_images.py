"""Splits of images with one label each, of any dataset of the `datasets` library."""

import dataclasses
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.compute

from keras_resblocks_plugin.training.data._class_order import own_features
from keras_resblocks_plugin.training.data._image_cache import decoded_images
from keras_resblocks_plugin.training.data._resizing import Resize
from keras_resblocks_plugin.training.data._rows import load_split, read_column


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Decoded images and their labels.

    Args:
        images: An array of shape `(count, height, width, 3)`, which maps a file.
        labels: The index of each image's class, of shape `(count,)`.
        class_names: The classes, by label.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: list[str]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> np.ndarray:
        return self.images[row]

    def picture(self, row: int) -> np.ndarray:
        """Reads an image to augment."""
        return self.images[row]


@dataclasses.dataclass(frozen=True)
class Split:
    """A split; its images are not decoded yet.

    Args:
        dataset: The rows, with encoded images.
        path: The path or Hub id of the dataset.
        name: The name of the split.
        class_names: The classes, by index.
        cache: A folder for decoded images.
        image_column: The column of images.
        label_column: The column of integer labels.
        order: The class of each label in the files, or `None` if they are equal.
    """

    dataset: datasets.Dataset
    path: str
    name: str
    class_names: list[str]
    cache: Path
    image_column: str
    label_column: str
    order: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def where(self, row: int) -> str:
        """Describes a row, with the name of its image file if it has one."""
        file = self.dataset[int(row)][self.image_column]
        file = isinstance(file, dict) and file.get("path")
        return f"Image {row} of the split {self.name!r}" + (f" ({file})" if file else "")

    def labels(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Returns the index of the class of each row.

        Raises:
            ValueError: If a label is missing or out of range.
        """
        values = read_column(self.dataset, self.label_column)
        missing = np.flatnonzero(values.is_null())
        if len(missing):
            raise ValueError(
                f"The column {self.label_column!r} of the split {self.name!r} must have a label "
                f"for every image. Received: none in {len(missing)} rows: {_first(missing)}. Label "
                "them, or remove them."
            )
        labels = values.to_numpy().astype("int64")
        bad = np.flatnonzero((labels < 0) | (labels >= len(self.class_names)))
        if len(bad):
            raise ValueError(
                f"Labels of the split {self.name!r} must be in [0, {len(self.class_names)}), the "
                f"number of classes. Received: {labels[bad[0]]} in row {bad[0]}, and {len(bad)} "
                "such"
            )
        if self.order is not None:
            labels = self.order[labels]
        return (labels if rows is None else labels[rows]).astype("int32")

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that identify these images and labels."""
        return {
            "name": Path(self.path).name,
            "split": self.name,
            "fingerprint": self.dataset._fingerprint,
            "images": len(self),
            "image_column": self.image_column,
            "label_column": self.label_column,
            "class_names": self.class_names,
            "order": None if self.order is None else self.order.tolist(),
        }

    def decode(self, resize: Resize, rows: np.ndarray | None = None) -> ImageSet:
        """Decodes images to one size, RGB, into the cache.

        Args:
            resize: A `Square` or `Converted`.
            rows: The rows to decode. Defaults to all.

        Raises:
            ValueError: If a label is out of range, or an image cannot be read.
        """
        rows = np.arange(len(self)) if rows is None else rows
        labels = self.labels(rows)
        return ImageSet(decoded_images(self, resize, rows), labels, self.class_names)


def open_split(
    path: str,
    split: str,
    cache: Path,
    image_column: str = "image",
    label_column: str = "label",
) -> Split:
    """Opens one split of a dataset.

    Args:
        path: A local folder or a Hub id for `datasets.load_dataset`.
        split: The name of the split.
        cache: A folder for decoded images.
        image_column: The column of images.
        label_column: The column of integer labels.

    Raises:
        ValueError: If the split or a column is missing.
    """
    dataset = load_split(path, split, cache)
    if not len(dataset):
        raise ValueError(f"The split {split!r} of the dataset {path!r} has no rows.")
    class_names = _check_columns(dataset, path, image_column, label_column)
    # Otherwise every row would decode the images of other columns as well.
    dataset = dataset.select_columns([image_column, label_column])
    dataset = dataset.cast_column(image_column, datasets.Image(decode=False))
    names, order = _own_order(path, split, cache, label_column, class_names)
    return Split(dataset, path, split, names, cache, image_column, label_column, order)


def _check_columns(dataset, path, image_column, label_column) -> list[str]:
    kinds = {
        "image": (image_column, lambda feature: isinstance(feature, datasets.Image), "images"),
        "label": (label_column, _is_integer, "integer labels"),
    }
    for flag, (column, fits, what) in kinds.items():
        if not fits(dataset.features.get(column)):
            raise ValueError(
                f"The dataset {path!r} needs a column {column!r} of {what}; name another with "
                f"--{flag}-column. Words become integer labels by "
                f"`dataset.class_encode_column({column!r})`. Received: {dataset.features}"
            )
    feature = dataset.features[label_column]
    if isinstance(feature, datasets.ClassLabel):
        return list(feature.names)
    highest = pyarrow.compute.max(read_column(dataset, label_column)).as_py()
    return [] if highest is None else [str(label) for label in range(highest + 1)]


def _own_order(path, split, cache, column, names) -> tuple[list[str], np.ndarray | None]:
    """Returns the class names of all splits, and the class of each label if the order differs."""
    own = (own_features(path, split, cache / "datasets") or {}).get(column)
    if not isinstance(own, datasets.ClassLabel) or own.names == names:
        return names, None
    if sorted(own.names) != sorted(names):
        # The caller compares the classes of the splits.
        return list(own.names), None
    return names, np.array([names.index(name) for name in own.names])


def _first(rows: np.ndarray) -> str:
    return ", ".join(map(str, rows[:10])) + ("…" if len(rows) > 10 else "")


def _is_integer(feature) -> bool:
    # `ClassLabel` is an int64 with names.
    return "int" in (getattr(feature, "dtype", None) or "")
