"""Images and labels from any dataset of the `datasets` library, decoded once."""

import dataclasses
from pathlib import Path
from typing import Any

import datasets
import numpy as np

from keras_resblocks_plugin.training import _distribution, _provenance
from keras_resblocks_plugin.training.data._class_order import own_features
from keras_resblocks_plugin.training.data._decoding import write_images
from keras_resblocks_plugin.training.data._resizing import Resize
from keras_resblocks_plugin.training.data._rows import load_split


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Decoded images: `images` is `(count, height, width, 3)`, mapped; `labels` is `(count,)`."""

    images: np.ndarray
    labels: np.ndarray
    class_names: list[str]


@dataclasses.dataclass(frozen=True)
class Split:
    """One split, of which nothing is decoded yet."""

    dataset: datasets.Dataset
    path: str
    name: str
    class_names: list[str]
    cache: Path
    image_column: str
    label_column: str
    # From a label in the files to its class; `None` where they are the same.
    order: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def where(self, row: int) -> str:
        """A row in words, with the name of its image's file if there is one."""
        file = self.dataset[int(row)][self.image_column]
        file = isinstance(file, dict) and file.get("path")
        return f"Image {row} of the split {self.name!r}" + (f" ({file})" if file else "")

    def labels(self, rows: np.ndarray | None = None) -> np.ndarray:
        """The index of each row's class.

        Raises:
            ValueError: If a label is missing or out of range.
        """
        values = self.dataset.with_format(None)[self.label_column]
        missing = [row for row, value in enumerate(values) if value is None]
        if missing:
            raise ValueError(
                f"The column {self.label_column!r} of the split {self.name!r} must have a label "
                f"for every image. Received: none in {len(missing)} rows: {_first(missing)}. Label "
                "them, or remove them."
            )
        labels = np.asarray(values, "int64")
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
        """What says which images and labels these are."""
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
        """Decodes images to one size, RGB.

        They are decoded once into an array under the cache, which is mapped into memory now
        and when the same rows are asked for again.

        Args:
            resize: A `_resizing.Square` or `_resizing.Converted`.
            rows: Which rows, all if not given.

        Raises:
            ValueError: If a label is out of range, or an image cannot be read.
        """
        rows = np.arange(len(self)) if rows is None else rows
        return self._decoded(resize, rows, skip_unreadable=False)[0]

    def decode_all(self, resize: Resize) -> tuple[ImageSet, np.ndarray]:
        """Decodes all images as `decode` does, those that cannot be read as black ones.

        Args:
            resize: A `_resizing.Square` or `_resizing.Converted`.

        Returns:
            The images, and the rows that cannot be read.

        Raises:
            ValueError: If a label is out of range.
        """
        return self._decoded(resize, np.arange(len(self)), skip_unreadable=True)

    def _decoded(
        self, resize: Resize, rows: np.ndarray, skip_unreadable: bool
    ) -> tuple[ImageSet, np.ndarray]:
        labels = self.labels(rows)
        dataset = self.dataset if len(rows) == len(self) else self.dataset.select(rows)
        settings = {**self.settings, "fingerprint": dataset._fingerprint, **resize.settings}
        if skip_unreadable:
            settings["unreadable"] = "black"
        stem = f"{self.name}-{_provenance.key(settings)}"
        images_file, labels_file, unreadable_file = (
            self.cache / f"{stem}-{what}.npy" for what in ("images", "labels", "unreadable")
        )
        record = self.cache / f"{stem}.json"
        # It is written last: if it exists, the files are complete.
        if not record.exists():
            # The converter computes with Keras: no other process takes part in that.
            with _distribution.alone():
                unreadable = write_images(self, rows, resize, images_file, skip_unreadable)
            np.save(labels_file, labels)
            if skip_unreadable:
                np.save(unreadable_file, unreadable)
            _provenance.claim(record, settings, is_used=False, way_out="")
        _provenance.claim(record, settings, is_used=True, way_out=f"Remove {record}.")
        # TensorFlow takes over the memory itself, if it may be written to; nobody does.
        images = np.load(images_file, mmap_mode="c")
        unreadable = np.load(unreadable_file) if skip_unreadable else rows[:0]
        return ImageSet(images, np.load(labels_file), self.class_names), unreadable


def open_split(
    path: str,
    split: str,
    cache: Path,
    image_column: str = "image",
    label_column: str = "label",
) -> Split:
    """Opens one split of a dataset.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
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
    # Else every row would decode the images of other columns, too.
    dataset = dataset.select_columns([image_column, label_column])
    dataset = dataset.cast_column(image_column, datasets.Image(decode=False))
    names, order = _own_order(path, split, cache, label_column, class_names)
    return Split(dataset, path, split, names, cache, image_column, label_column, order)


def load_images(path: str, split: str, resize: Resize, cache: Path, *columns: str) -> ImageSet:
    """Opens and decodes a whole split, see `open_split` and `Split.decode`."""
    return open_split(path, split, cache, *columns).decode(resize)


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
    known = [label for label in dataset[label_column] if label is not None]
    return [str(label) for label in range(max(known, default=-1) + 1)]


def _own_order(path, split, cache, column, names) -> tuple[list[str], np.ndarray | None]:
    """The names by which all splits are read, and where this split's own order is another."""
    own = (own_features(path, split, cache / "datasets") or {}).get(column)
    if not isinstance(own, datasets.ClassLabel) or own.names == names:
        return names, None
    if sorted(own.names) != sorted(names):
        # Callers refuse splits of other classes.
        return list(own.names), None
    return names, np.array([names.index(name) for name in own.names])


def _first(rows: list[int]) -> str:
    return ", ".join(map(str, rows[:10])) + ("…" if rows[10:] else "")


def _is_integer(feature) -> bool:
    # `ClassLabel` is an int64 with names.
    return "int" in (getattr(feature, "dtype", None) or "")


def hold_out(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Splits `range(count)` at random into `(kept, held_out)` indices."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = round(share * count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
