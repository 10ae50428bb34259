"""The classes of a segmentation dataset, and the values in its masks."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_resblocks_plugin.training.segmentation._data import (
    IGNORED,
    MaskedImages,
    size_text,
    values_text,
)


@dataclasses.dataclass(frozen=True)
class Classes:
    """The mapping from values of a mask to classes.

    Args:
        names: The names of the classes, in the order of their ids, without the ignored one.
        ignored_id: The value of pixels without a class, or `None`.
    """

    names: list[str]
    ignored_id: int | None = None

    @property
    def ids(self) -> list[int]:
        """The value of each class in a mask."""
        values = [value for value in range(len(self.names) + 1) if value != self.ignored_id]
        return values[: len(self.names)]

    @property
    def ignored(self) -> int:
        """The index of pixels without a class: the one after the last class."""
        return len(self.names)

    @property
    def lookup(self) -> np.ndarray:
        """The index of the class of each value from 0 to 255."""
        table = np.full(256, self.ignored, "uint8")
        table[self.ids] = range(len(self.names))
        return table


def find_classes(
    names: Sequence[str] | None,
    ignored_id: int | None,
    train: MaskedImages,
    class_values: Sequence[int] | None = None,
) -> Classes:
    """Returns the classes by their names, or those of the training masks, by number.

    Args:
        names: The names of the classes, if given.
        ignored_id: The value of pixels without a class, or `None`.
        train: The training masks.
        class_values: The mask values that are classes, if given.

    Raises:
        ValueError: If there are fewer than two classes, or their values have gaps.
    """
    if class_values:
        names = names or [str(value) for value in class_values]
        ignored_id = None if ignored_id is None else IGNORED
    if names is None:
        present = [int(v) for v in np.flatnonzero(train.values.any(axis=0)) if v != ignored_id]
        ids = [value for value in range(max(present, default=-1) + 1) if value != ignored_id]
        if ids != present:
            raise ValueError(
                "The masks must have the ids 0, 1, 2 and so on. Otherwise list the values of the "
                f"classes with --class-values {' '.join(map(str, present[:20]))} and the value of "
                "no class with --ignore-class, or name all ids with --class-names. Received: the "
                "values "
                f"{values_text(np.array(present))}"
            )
        names = [str(value) for value in ids]
    if len(names) < 2:
        raise ValueError(
            "The masks must be of two classes or more besides the ignored one. Received: "
            f"{', '.join(names) or 'none'}"
        )
    return Classes(list(names), ignored_id)


def check_split(split: str, images: MaskedImages, classes: Classes, size: tuple[int, int]) -> None:
    """Checks that a split has the size and the classes of the training images.

    Args:
        split: The name of the split, for errors.
        images: The split.
        classes: The classes of the training images.
        size: The height and width of the training images.

    Raises:
        ValueError: If it does not, or if all of its pixels are ignored.
    """
    if images.size != size:
        raise ValueError(
            f"The images of the split {split!r} must have the size of the training images, "
            f"{size_text(size[::-1])} pixels, or give --image-size. Received: "
            f"{size_text(images.size[::-1])}"
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
            f"values are {values_text(np.flatnonzero(images.values.any(axis=0)))}. Received: "
            f"{len(set(rows))} masks with others, the first in row {rows[0]}, {values[0]}"
        )
    if not images.values[:, classes.ids].any():
        raise ValueError(
            f"The masks of the split {split!r} must have pixels of a class. Received: "
            f"{classes.ignored_id} alone, which --ignore-class says to ignore"
        )
