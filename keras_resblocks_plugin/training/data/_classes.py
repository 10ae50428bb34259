"""Comparison of the classes of two splits, or of a split and a preset."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TypeVar

import numpy as np

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
    if names and (own == names or (_are_numbers(names) and own == names[: len(own)])):
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


def outputs_by_name(
    split: Split, names: list[str], what: str, owner: str
) -> tuple[Split, np.ndarray | None]:
    """Finds the outputs of a preset that belong to the classes of a split, by name.

    Classes that are numbered have no names; they are compared as by `read_by`.

    Args:
        split: The split.
        names: The class names of the preset, by output.
        what: A description of `split`, for errors.
        owner: A description of the preset, for errors.

    Returns:
        The split, and for each of its classes the index of its output, or `None` if these are
        all outputs in their order.

    Raises:
        ValueError: If a class is not one of the preset's, or names are doubled.
    """
    own = split.class_names
    if not set(own) <= set(names) or _are_numbers(own) or _are_numbers(names):
        return read_by(split, names, what, owner), None
    doubled = [
        f"doubled names of {whose}: {', '.join(found[:10])}{'…' if found[10:] else ''}"
        for whose, some in ((what, own), (owner, names))
        if (found := [name for name, count in Counter(some).items() if count > 1])
    ]
    if doubled:
        raise ValueError(
            f"{what} and {owner} must each list their names once to be compared by name. "
            f"Received: {'; '.join(doubled)}. Rename the classes."
        )
    if own == names:
        return split, None
    return split, np.array([names.index(name) for name in own])


def _are_numbers(names: list[str]) -> bool:
    return names == [str(label) for label in range(len(names))]
