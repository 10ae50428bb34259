"""Comparison of the classes of two splits, or of a split and a preset."""

import dataclasses
from pathlib import Path
from typing import TypeVar

from keras_resblocks_plugin.training.data._labelled_images import Split, open_split

# A frozen dataclass with `class_names`, such as a split or images with boxes.
Labelled = TypeVar("Labelled")


def open_pair(
    path: str, train: str, validation: str, cache: Path, *columns: str
) -> tuple[Split, Split]:
    """Opens a training and a validation split, see `open_split`.

    Args:
        path: A local folder or a Hub id for `datasets.load_dataset`.
        train: The name of the training split, whose classes count.
        validation: The name of the validation split.
        cache: A folder for decoded images.
        *columns: The columns of images and labels. Default to `"image"` and `"label"`.

    Raises:
        ValueError: If a split or a column is missing, or the splits have different classes.
    """
    trained, measured = (open_split(path, split, cache, *columns) for split in (train, validation))
    what = f"The split {validation!r} of {path!r}"
    return trained, read_by(measured, trained.class_names, what, f"the split {train!r}")


def read_by(labelled: Labelled, names: list[str], what: str, owner: str) -> Labelled:
    """Returns labels with the class names of another split or of a preset.

    Classes without names are numbered up to the highest label of a split, so a split may lack
    the last ones.

    Args:
        labelled: The labels, with the `class_names` of their own files.
        names: The expected class names.
        what: A description of `labelled`, for the error.
        owner: A description of what has the classes `names`, for the error.

    Returns:
        A copy of `labelled` with `names` as its `class_names`.

    Raises:
        ValueError: If the classes differ. The error names the differences.
    """
    own = labelled.class_names
    are_numbers = names == [str(label) for label in range(len(names))]
    if names and (own == names or (are_numbers and own == names[: len(own)])):
        return dataclasses.replace(labelled, class_names=list(names))
    differences = {
        "only there": [name for name in own if name not in names],
        f"only in {owner}": [name for name in names if name not in own],
    }
    found = "; ".join(
        f"{where} {', '.join(some[:10])}{'…' if some[10:] else ''}"
        for where, some in differences.items()
        if some
    )
    raise ValueError(
        f"{what} must have the same classes as {owner}, one or more. Received: "
        f"{found or f'the order {own[:10]}, not {names[:10]}'}"
    )
