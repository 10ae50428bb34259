"""The images that a classifier is fine-tuned on, validated on and measured on."""

import dataclasses
from typing import Any, Literal

import numpy as np

from keras_resblocks_plugin.training.classification._config import ClassificationConfig
from keras_resblocks_plugin.training.data._classes import open_pair
from keras_resblocks_plugin.training.data._labelled_images import Split
from keras_resblocks_plugin.training.data._readable_rows import (
    readable_among,
    readable_rows,
    usable_rows,
)
from keras_resblocks_plugin.training.data._resizing import Resize
from keras_resblocks_plugin.training.data._row_choice import warn_of_empty_classes
from keras_resblocks_plugin.training.data._sources import Images, load, mode_of


@dataclasses.dataclass(frozen=True)
class ChosenImages:
    """Rows of two splits, by their use: `"train"`, `"validation"` and maybe `"held_out"`.

    Args:
        splits: The split of each use.
        rows: The rows of that split.
        resize: The resizing that the preset does.
        unreadable: The number of images that cannot be read and are left out.
        mode: `"array"` or `"stream"`: whether all images are decoded once.
    """

    splits: dict[str, Split]
    rows: dict[str, np.ndarray]
    resize: Resize
    unreadable: int
    mode: Literal["array", "stream"]

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, by label."""
        return self.splits["train"].class_names

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that identify the images of each use, as a run's folder records them."""
        settings = {
            name: self.splits[name].settings | {"images": len(rows)}
            for name, rows in self.rows.items()
        }
        return settings | ({"input": self.mode} if self.mode != "array" else {})

    def open(self, name: str, rows: np.ndarray | None = None) -> Images:
        """Opens the images of a use: decoded, or to be decoded whenever they are read.

        Args:
            name: The use.
            rows: The rows of the split to open. Defaults to all that are chosen.
        """
        rows = self.rows[name] if rows is None else rows
        return load(self.splits[name], self.resize, rows, self.mode)


def open_images(config: ClassificationConfig, resize: Resize) -> ChosenImages:
    """Opens the splits, checks them and chooses rows, in every run the same.

    Args:
        config: The arguments of the run.
        resize: The resizing that the preset does.

    Raises:
        ValueError: If the dataset does not have what the arguments ask for.
    """
    train, validation = open_pair(
        *(config.data, config.train_split, config.validation_split, config.out / "cache"),
        *(config.image_column, config.label_column),
    )
    labels = {split.name: _check_labels(split) for split in (train, validation)}
    each = config.images_per_class
    count = None
    if each is not None:
        count = len(train.class_names) * (each + config.held_out_per_class) + len(validation)
    mode = mode_of(config.input, resize, train, validation, count=count)
    if mode == "array":
        # The check stores the whole split decoded, so that nothing is decoded twice. With
        # `images_per_class` that would be far too much for a few images: then the check stores
        # nothing, and the chosen rows are decoded a second time.
        usable = readable_rows(train, config.skip_unreadable, resize if each is None else None)
        measured = readable_rows(validation, config.skip_unreadable, resize)
    else:
        # Training images that cannot be read are replaced while training.
        usable = np.arange(len(train))
        measured = usable_rows(validation, config.skip_unreadable, mode=mode)
    rows = balanced_rows(
        *(labels[train.name], usable, train.class_names),
        *(config.images_per_class, config.held_out_per_class, config.seed),
    )
    warn_of_empty_classes(train, rows["train"])
    rows["validation"] = measured
    if mode == "stream" and config.skip_unreadable and "held_out" in rows:
        rows["held_out"] = readable_among(train, rows["held_out"])
    return ChosenImages(
        splits={"train": train, "held_out": train, "validation": validation},
        rows=rows,
        resize=resize,
        unreadable=len(train) + len(validation) - len(usable) - len(measured),
        mode=mode,
    )


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
        class_names: The names of the classes, by label.
        wanted: The number of images of each class to train on; `None` for all.
        watched: The number of other images of each class to hold out.
        seed: The seed of the choice.

    Returns:
        The rows `"train"` and, if `watched` is not zero, `"held_out"`.

    Raises:
        ValueError: If a class has too few images.
    """
    order = np.random.default_rng(seed).permutation(usable)
    of_class = [order[labels[order] == label] for label in range(len(class_names))]
    # If no number is asked for, a class may be empty.
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
    count = len(np.unique(labels))
    if count < 2:
        raise ValueError(
            f"The split {split.name!r} must have images of two classes or more to tell apart. "
            f"Received: {count} classes in {len(labels)} images"
        )
    return labels
