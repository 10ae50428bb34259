"""The images that a classifier is fine-tuned on, validated on and measured on."""

import dataclasses
from typing import Any

import numpy as np

from keras_resblocks_plugin.training.classification._config import ClassificationConfig
from keras_resblocks_plugin.training.data._labelled_images import ImageSet, Split
from keras_resblocks_plugin.training.data._resizing import Resize
from keras_resblocks_plugin.training.data._row_choice import choose_images


@dataclasses.dataclass(frozen=True)
class ChosenImages:
    """Rows of two splits, by their use: `"train"`, `"validation"` and maybe `"held_out"`.

    Args:
        splits: The split of each use.
        rows: The rows of that split.
        resize: The resizing that the preset does.
        unreadable: The number of images that cannot be read and are left out.
    """

    splits: dict[str, Split]
    rows: dict[str, np.ndarray]
    resize: Resize
    unreadable: int

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, by label."""
        return self.splits["train"].class_names

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that identify the images of each use, as a run's folder records them."""
        return {
            name: self.splits[name].settings | {"images": len(rows)}
            for name, rows in self.rows.items()
        }

    def decode(self, name: str, rows: np.ndarray | None = None) -> ImageSet:
        """Decodes the images of a use.

        Args:
            name: The use.
            rows: The rows of the split to decode, all that are chosen if not given.
        """
        rows = self.rows[name] if rows is None else rows
        return self.splits[name].decode(self.resize, rows)


def open_images(config: ClassificationConfig, resize: Resize) -> ChosenImages:
    """Opens the splits, checks them and chooses rows, in every run the same.

    Args:
        config: The arguments of the run.
        resize: The resizing that the preset does.

    Raises:
        ValueError: If the dataset does not have what the arguments ask for.
    """
    splits, rows, unreadable = choose_images(config, resize)
    return ChosenImages(splits, rows, resize, unreadable)
