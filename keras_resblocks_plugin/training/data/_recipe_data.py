"""The images of a recipe: to train on, to hold out and to report on."""

import dataclasses
from typing import Any, Literal

import numpy as np

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._classifier import new_converter
from keras_resblocks_plugin.training._fit import check_batch_size
from keras_resblocks_plugin.training._recipe import Recipe
from keras_resblocks_plugin.training._train import TrainConfig
from keras_resblocks_plugin.training.data._classes import open_pair
from keras_resblocks_plugin.training.data._input_mode import choose_mode
from keras_resblocks_plugin.training.data._labelled_images import Split
from keras_resblocks_plugin.training.data._readable_rows import readable_among, usable_rows
from keras_resblocks_plugin.training.data._resizing import Converted, Resize, Square
from keras_resblocks_plugin.training.data._row_choice import hold_out, warn_of_empty_classes
from keras_resblocks_plugin.training.data._sources import Images, load
from keras_resblocks_plugin.training.device._choice import check_device_memory, suits_device


@dataclasses.dataclass(frozen=True)
class RecipeData:
    """Two splits and the rows that a recipe uses; nothing is decoded yet.

    Args:
        train: The training split.
        validation: The validation split.
        rows: The rows to use, by `"train"`, `"held_out"` (of the training split; may be empty)
            and `"validation"`.
        resize: How images to train on are resized.
        resize_unseen: How images to measure on are resized: as the preset will do it.
        mode: `"array"` or `"stream"`: whether all images are decoded once. `"device"` if the
            accelerator's memory then holds those to train on.
    """

    train: Split
    validation: Split
    rows: dict[str, np.ndarray]
    resize: Resize
    resize_unseen: Resize
    mode: Literal["array", "stream", "device"]

    @property
    def reading(self) -> Literal["array", "stream"]:
        """The way images are read: as `mode` says, or decoded once for the device."""
        return "stream" if self.mode == "stream" else "array"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that identify the images and labels of both splits."""
        settings = {"train": self.train.settings, "validation": self.validation.settings}
        # Augmentation sees other pixels of whole pictures.
        return settings | ({"input": self.mode} if self.mode != "array" else {})

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of images, for the record."""
        train, held_out, validation = (
            len(self.rows[name]) for name in ("train", "held_out", "validation")
        )
        counts = {"train_images": train, "held_out_images": held_out}
        left_out = len(self.train) + len(self.validation) - train - held_out - validation
        if left_out:
            counts["unreadable_images_left_out"] = left_out
        return {**counts, "validation_images": validation}

    def training_images(self) -> Images:
        """Opens the training images: decoded squares, or whole pictures to be decoded."""
        if self.reading == "array":
            return self.train.decode(self.resize, self.rows["train"])
        return load(self.train, None, self.rows["train"], self.reading)

    def watched_images(self) -> Images | None:
        """Opens this process's share of the held-out images, or returns `None` without any."""
        if not len(self.rows["held_out"]):
            return None
        rows = _distribution.share(self.rows["held_out"], equal=False)
        return load(self.train, self.resize_unseen, rows, self.reading)

    def unseen_images(self) -> dict[str, Images]:
        """Opens the images to measure the trained classifier on, in the first process.

        Returns:
            The images by `"held_out"`, if there are any, and `"validation"`.
        """
        if not _distribution.is_first():
            return {}
        splits = {"held_out": self.train, "validation": self.validation}
        return {
            name: load(split, self.resize_unseen, self.rows[name], self.reading)
            for name, split in splits.items()
            if len(self.rows[name])
        }


def open_recipe_data(config: TrainConfig, recipe: Recipe) -> RecipeData:
    """Opens the splits of a training run and chooses their rows.

    Raises:
        ValueError: If the dataset does not have what the settings ask for, or has fewer training
            images than a batch.
    """
    train, validation = open_pair(
        *(config.data, "train", config.validation_split, config.out / "cache"),
        *(config.image_column, config.label_column),
    )
    resize, resize_unseen = Square(recipe.image_size), Converted(new_converter(**recipe.converter))
    asked = "array" if config.input == "device" else config.input
    mode = choose_mode(asked, _decoded_size(train, validation, recipe))
    # Streamed training images that cannot be read are replaced while training.
    checks_all = config.skip_unreadable and mode == "array"
    usable = usable_rows(train, checks_all, resize)
    measured = usable_rows(validation, config.skip_unreadable, resize_unseen, mode)
    kept, held_out = hold_out(len(usable), recipe.holdout, config.seed)
    rows = {"train": usable[kept], "held_out": usable[held_out], "validation": measured}
    if config.skip_unreadable and mode == "stream" and len(held_out):
        rows["held_out"] = readable_among(train, rows["held_out"])
    warn_of_empty_classes(train, rows["train"])
    check_batch_size(recipe.batch_size, len(rows["train"]))
    size = len(rows["train"]) * (resize.nbytes or 0)
    if config.input == "device":
        check_device_memory(size)
    suits = config.input == "auto" and mode == "array" and suits_device(recipe, size)
    if config.input == "device" or suits:
        mode = "device"
    return RecipeData(train, validation, rows, resize, resize_unseen, mode)


def _decoded_size(train: Split, validation: Split, recipe: Recipe) -> int:
    """Returns the bytes of all decoded images: uint8 to train on, float32 to measure on."""
    held_out = recipe.holdout * len(train)
    values = (len(train) - held_out) + 4 * (held_out + len(validation))
    return int(values * recipe.image_size**2 * 3)
