"""Images and masks of class ids, from any dataset of the `datasets` library."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data._images import read_image, read_mask
from keras_resblocks_plugin.training.data._records import Records, write_records
from keras_resblocks_plugin.training.data._rows import UNREADABLE, load_rows, readable

# In a file of masks, pixels of no class, where the values of the classes were given.
IGNORED = 255


@dataclasses.dataclass(frozen=True)
class Classes:
    """Which value of a mask is which class.

    Args:
        names: The names of the classes, in the order of their ids, without the ignored one.
        ignored_id: The value in a mask that is no class, or `None`.
    """

    names: list[str]
    ignored_id: int | None = None

    @property
    def ids(self) -> list[int]:
        """The value in a mask of each class."""
        values = [value for value in range(len(self.names) + 1) if value != self.ignored_id]
        return values[: len(self.names)]

    @property
    def ignored(self) -> int:
        """What stands for no class among the indices of classes: the first that is none."""
        return len(self.names)

    @property
    def lookup(self) -> np.ndarray:
        """From a value in a mask to the index of its class."""
        table = np.full(256, self.ignored, "uint8")
        table[self.ids] = range(len(self.names))
        return table


@dataclasses.dataclass(frozen=True)
class MaskedImages:
    """A split: images `(height, width, 3)` and masks `(height, width)`, as they are.

    Args:
        images: The images, RGB.
        masks: The masks.
        values: Whether a mask has a value: `(count, 256)`.
        settings: What says which images and masks these are.
        skipped: How many rows of the dataset were left out, by their fault.
    """

    images: Records
    masks: Records
    values: np.ndarray
    settings: dict[str, Any]
    skipped: dict[str, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.masks.shape


def load_masked_images(
    path: str,
    split: str,
    cache: Path,
    size: Sequence[int] | None,
    image_column: str,
    mask_column: str,
    skip_unreadable: bool,
    class_values: Sequence[int] | None = None,
    ignored_id: int | None = None,
) -> MaskedImages:
    """Reads one split, decoded once into files under `cache`.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        split: The name of the split.
        cache: A folder for the decoded images.
        size: Height and width to scale all images to, or `None` where they have one size.
        image_column: The column of images.
        mask_column: The column of masks, images of class ids.
        skip_unreadable: Whether to leave out images that cannot be read.
        class_values: The values in the masks that are the classes, by index; the indices
            themselves where they are not given.
        ignored_id: The value of pixels that are no class.

    Raises:
        ValueError: If the split or a column is missing, an image cannot be read, or a mask
            is not of its image's size or has values that are no class.
    """
    dataset = load_rows(path, split, cache, image=image_column, mask=mask_column)
    first = []

    def decode(row, index):
        where = f"Row {index} of the split {split!r}"
        image = Image.fromarray(readable(read_image, row[image_column]))
        try:
            values = readable(read_mask, row[mask_column])
        except ValueError as error:
            raise ValueError(f"{where} must have a mask of {error}") from None
        mask = Image.fromarray(_ids(values, class_values, ignored_id, where))
        if mask.size != image.size:
            raise ValueError(
                f"{where} must have a mask of its image's size, {_by(image.size)} pixels. "
                f"Received: {_by(mask.size)}"
            )
        if size:
            wanted = tuple(reversed(size))
            image = image.resize(wanted, Image.Resampling.BILINEAR)
            mask = mask.resize(wanted, Image.Resampling.NEAREST)
        first.append(image.size)
        if image.size != first[0]:
            raise ValueError(
                f"{where} must have the size of the rows before it, {_by(first[0])} pixels, "
                f"or give --image-size, to scale all to. Received: {_by(image.size)}"
            )
        ids = np.asarray(mask)
        values = np.bincount(ids.ravel(), minlength=256) > 0
        return np.asarray(image), ids, values.astype("uint8")

    settings = {"name": Path(path).name, "image_size": size}
    settings |= {"image_column": image_column, "mask_column": mask_column}
    if class_values:
        settings |= {"class_values": class_values, "ignored_id": ignored_id}
    skip = [UNREADABLE] * skip_unreadable
    written = write_records(dataset, split, cache, decode, settings, skip)
    images, masks, values = written.files
    return MaskedImages(images, masks, values.array.astype(bool), written.settings, written.skipped)


def _ids(
    values: np.ndarray, classes: Sequence[int] | None, ignored_id: int | None, where: str
) -> np.ndarray:
    """The values of a mask as indices of classes, in 8 bits."""
    known = list(range(256) if classes is None else classes)
    if ignored_id is not None:
        known.append(ignored_id)
    present = np.unique(values)
    if not np.isin(present, known).all():
        raise ValueError(
            f"{where} must have a mask of class ids from 0 to 255, or of the values that "
            "--class-values lists in the order of the classes; --ignore-class is the one of no "
            f"class. Received: the values {_some(present)}"
        )
    if classes is None:
        return values.astype("uint8")
    ids = np.full(values.shape, IGNORED, "uint8")
    for index, value in enumerate(classes):
        ids[values == value] = index
    return ids


def find_classes(
    names: Sequence[str] | None,
    ignored_id: int | None,
    train: MaskedImages,
    class_values: Sequence[int] | None = None,
) -> Classes:
    """The classes of the masks, numbered by the training masks where no names are given.

    Raises:
        ValueError: If there are fewer than two, or numbers are missing among their values.
    """
    if class_values:
        if names is not None and len(names) != len(class_values):
            raise ValueError(
                "--class-names must be as many as --class-values. Received: "
                f"{len(names)} and {len(class_values)}"
            )
        names = names or [str(value) for value in class_values]
        ignored_id = None if ignored_id is None else IGNORED
    if names is None:
        present = [int(v) for v in np.flatnonzero(train.values.any(axis=0)) if v != ignored_id]
        ids = [value for value in range(max(present, default=-1) + 1) if value != ignored_id]
        if ids != present:
            raise ValueError(
                "The masks must have the ids 0, 1, 2 and so on, or say which value is which class "
                f"by --class-values {' '.join(map(str, present[:20]))}, which is none by "
                "--ignore-class, or all names by id by --class-names. Received: the values "
                f"{_some(np.array(present))}"
            )
        names = [str(value) for value in ids]
    if len(names) < 2:
        raise ValueError(
            "The masks must be of two classes or more besides the ignored one. Received: "
            f"{', '.join(names) or 'none'}"
        )
    return Classes(list(names), ignored_id)


def check_split(split: str, images: MaskedImages, classes: Classes, size: tuple[int, int]) -> None:
    """Checks that a split fits the training images: their size, and their classes alone.

    Raises:
        ValueError: If it does not, or if all of its pixels are ignored.
    """
    if images.size != size:
        raise ValueError(
            f"The images of the split {split!r} must have the size of the training images, "
            f"{_by(size[::-1])} pixels, or give --image-size. Received: {_by(images.size[::-1])}"
        )
    known = [*classes.ids, *([] if classes.ignored_id is None else [classes.ignored_id])]
    strange = images.values.copy()
    strange[:, known] = False
    rows, values = np.nonzero(strange)
    if len(rows):
        raise ValueError(
            f"The masks of the split {split!r} must have the ids of the {len(classes.names)} "
            f"classes, {classes.ids[0]} to {classes.ids[-1]}, or the one to ignore, "
            f"{classes.ignored_id}: see --class-names, --class-values and --ignore-class. Their "
            f"values are {_some(np.flatnonzero(images.values.any(axis=0)))}. Received: "
            f"{len(set(rows))} masks with others, the first in row {rows[0]}, {values[0]}"
        )
    if not images.values[:, classes.ids].any():
        raise ValueError(
            f"The masks of the split {split!r} must have pixels of a class. Received: "
            f"{classes.ignored_id} alone, which --ignore-class says to ignore"
        )


def _some(values: np.ndarray) -> str:
    more = f" and {len(values) - 20} others" if len(values) > 20 else ""
    return ", ".join(map(str, values[:20].tolist())) + more


def _by(size: tuple[int, int]) -> str:
    return "×".join(map(str, size))
