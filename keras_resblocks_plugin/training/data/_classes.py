"""The classes that two splits, or a split and a preset, must have in common."""

import dataclasses
from pathlib import Path
from typing import TypeVar

from keras_resblocks_plugin.training.data import _data

# A frozen dataclass with `class_names`: a split, or images with boxes.
Labelled = TypeVar("Labelled")


def open_pair(
    path: str, train: str, validation: str, cache: Path, *columns: str
) -> tuple[_data.Split, _data.Split]:
    """Opens a training and a validation split, see `_data.open_split`.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        train: The name of the training split, which says what classes there are.
        validation: The name of the validation split.
        cache: A folder for decoded images.
        *columns: Those of images and labels, if they are not called so.

    Raises:
        ValueError: If a split or a column is missing, or the splits have other classes.
    """
    learnt, measured = (
        _data.open_split(path, split, cache, *columns) for split in (train, validation)
    )
    what = f"The split {validation!r} of {path!r}"
    return learnt, read_by(measured, learnt.class_names, what, f"the split {train!r}")


def read_by(labelled: Labelled, names: list[str], what: str, owner: str) -> Labelled:
    """Reads labels by the classes of another split, or of a preset.

    Classes without names are numbers, as many as the highest label asks for: a split may lack
    the last ones.

    Args:
        labelled: The labels, with the `class_names` that their own files give them.
        names: The classes to read them by.
        what: The labels in words, for the error.
        owner: Whose classes `names` are, likewise.

    Returns:
        The same with `names` for its `class_names`.

    Raises:
        ValueError: If the classes differ. The error names those that do.
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
