"""The same number of rows of each class, for fine-tuning a classifier."""

from pathlib import Path
from typing import Protocol

import numpy as np

from keras_resblocks_plugin.training.data._classes import open_pair
from keras_resblocks_plugin.training.data._labelled_images import Split
from keras_resblocks_plugin.training.data._readable_rows import readable_rows
from keras_resblocks_plugin.training.data._resizing import Resize
from keras_resblocks_plugin.training.data._row_choice import warn_of_empty_classes


class ChoiceSettings(Protocol):
    """The fields of a configuration that `choose_images()` reads."""

    data: str
    out: Path
    train_split: str
    validation_split: str
    image_column: str
    label_column: str
    skip_unreadable: bool
    images_per_class: int | None
    held_out_per_class: int
    seed: int


def choose_images(
    config: ChoiceSettings, resize: Resize | None = None
) -> tuple[dict[str, Split], dict[str, np.ndarray], int]:
    """Opens the splits, checks labels and images, and chooses rows; a restart chooses the same.

    Args:
        config: The settings of a fine-tuning run.
        resize: How the chosen images will be resized, so that they are decoded only once.

    Returns:
        The splits and their rows, by `"train"`, `"validation"` and, if some are held out,
        `"held_out"`, and the number of images that are left out as they cannot be read.

    Raises:
        ValueError: If the dataset does not have what the settings ask for.
    """
    train, validation = open_pair(
        *(config.data, config.train_split, config.validation_split, config.out / "cache"),
        *(config.image_column, config.label_column),
    )
    labels = {split.name: _check_labels(split) for split in (train, validation)}
    # To store all images would be too much if few of them are chosen.
    resize_train = resize if config.images_per_class is None else None
    usable = readable_rows(train, config.skip_unreadable, resize_train)
    measured = readable_rows(validation, config.skip_unreadable, resize)
    rows = balanced_rows(
        *(labels[train.name], usable, train.class_names),
        *(config.images_per_class, config.held_out_per_class, config.seed),
    )
    warn_of_empty_classes(train, rows["train"])
    rows["validation"] = measured
    splits = {"train": train, "held_out": train, "validation": validation}
    left_out = len(train) + len(validation) - len(usable) - len(measured)
    return splits, rows, left_out


def balanced_rows(
    labels: np.ndarray,
    usable: np.ndarray,
    class_names: list[str],
    wanted: int | None,
    watched: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Chooses the same number of images of each class at random.

    Args:
        labels: The labels of all rows.
        usable: The rows to choose from.
        class_names: The classes, by label.
        wanted: The number of images of each class to train on; `None` for all.
        watched: The number of images of each class to hold out.
        seed: The seed of the choice.

    Returns:
        The rows `"train"` and, if some are held out, `"held_out"`.

    Raises:
        ValueError: If a class has too few images.
    """
    if watched < 0 or (wanted is not None and wanted < 1):
        raise ValueError(
            "--images-per-class must be 1 or more, --held-out-per-class 0 or more. "
            f"Received: {wanted} and {watched}"
        )
    order = np.random.default_rng(seed).permutation(usable)
    of_class = [order[labels[order] == label] for label in range(len(class_names))]
    # If all images are wanted, a class may have none.
    needed = watched + (bool(watched) if wanted is None else wanted)
    few = [
        f"{name} {len(rows)}"
        for name, rows in zip(class_names, of_class, strict=True)
        if len(rows) < needed
    ]
    if few:
        raise ValueError(
            f"The training split must have {needed} images of each class, as --images-per-class "
            f"and --held-out-per-class ask for. Received: {', '.join(few[:10])}"
        )
    end = None if wanted is None else watched + wanted
    rows = {"train": np.sort(np.concatenate([rows[watched:end] for rows in of_class]))}
    if watched:
        rows["held_out"] = np.sort(np.concatenate([rows[:watched] for rows in of_class]))
    return rows


def _check_labels(split: Split) -> np.ndarray:
    labels = split.labels()
    if len(np.unique(labels)) < 2:
        raise ValueError(
            f"The split {split.name!r} must have images of two classes or more. "
            f"Received: {len(np.unique(labels))} classes in {len(labels)} images"
        )
    return labels
