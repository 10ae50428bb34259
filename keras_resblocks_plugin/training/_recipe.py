"""Recipes: the network to train and how to train it, in one small TOML file."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from keras_resblocks_plugin._utils._validation import check_choice
from keras_resblocks_plugin.training._augmentation import Augmentation, Pair
from keras_resblocks_plugin.training._recipe_parts import Names, Numbers, Optimizer, Schedule
from keras_resblocks_plugin.training._recipe_source import read_values

LossName = Literal["cross_entropy", "binary_cross_entropy"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that a training run depends on beside the data and the seed.

    Args:
        backbone: dict. The arguments of `krp.ResBlockBackbone`.
        schedule: `Schedule`. How long to train, and at which learning rate.
        optimizer: `Optimizer`. Momentum, weight decay and averaging.
        augmentation: `Augmentation`. Random changes of the training images.
        image_size: int. Side of the square images, in pixels. Defaults to `64`.
        batch_size: int. Images an update. Defaults to `128`.
        label_smoothing: float. In `[0, 1)`. Defaults to `0.05`.
        dropout: float. The dropout rate in front of the head. Defaults to `0.0`.
        holdout: float. The share of the training split to hold out. Defaults to `0.02`.
        dtype: str. The precision policy while training; presets are saved in float32.
            Defaults to `"float32"`.
        max_unreadable: int. How many training images that cannot be read are replaced by others
            while images are streamed; one more is an error. Defaults to `0`.
        loss: str. `"cross_entropy"`, or `"binary_cross_entropy"` of each class. Defaults to
            `"cross_entropy"`.
        target_threshold: float. Binary cross-entropy takes mixed labels above it for 1, and the
            others for 0; `0.0` takes them as they are. Defaults to `0.0`.
        test_size: int. Side of the images that the preset is measured on and converts images to;
            `0` for `image_size`. Defaults to `0`.
        crop_fraction: float. Below `1.0`, the preset resizes whole images to
            `test_size / crop_fraction` and crops the center, as timm and torchvision do. Defaults
            to `1.0`.
        interpolation: str. How the preset resizes images. Defaults to `"bilinear"`.
        accumulate: int. The batches whose gradients one update sums, each with a share of
            `batch_size`. Defaults to `1`.

    Raises:
        ValueError: If a value is unknown, or the batch cannot be divided.
    """

    backbone: Mapping[str, Any]
    schedule: Schedule = dataclasses.field(default=Schedule())
    optimizer: Optimizer = dataclasses.field(default=Optimizer())
    augmentation: Augmentation = dataclasses.field(default=Augmentation())
    image_size: int = 64
    batch_size: int = 128
    label_smoothing: float = 0.05
    dropout: float = 0.0
    holdout: float = 0.02
    dtype: str = "float32"
    max_unreadable: int = 0
    loss: str = "cross_entropy"
    target_threshold: float = 0.0
    test_size: int = 0
    crop_fraction: float = 1.0
    interpolation: str = "bilinear"
    accumulate: int = 1

    def __post_init__(self):
        check_choice("loss", self.loss, get_args(LossName))
        if self.accumulate < 1 or self.batch_size % self.accumulate:
            raise ValueError(
                "`accumulate` must divide `batch_size`, of which each batch takes an equal share. "
                f"Received: accumulate={self.accumulate}, batch_size={self.batch_size}"
            )

    @property
    def step_size(self) -> int:
        """Images a step: the batch, or the part of it whose gradients are accumulated."""
        return self.batch_size // self.accumulate

    @property
    def measured_size(self) -> int:
        """Side of the images that the preset is measured on."""
        return self.test_size or self.image_size

    @property
    def converter(self) -> dict[str, Any]:
        """The arguments of the preset's image converter, but for the scaling of pixels."""
        return {
            "image_size": self.measured_size,
            "crop_fraction": self.crop_fraction,
            "interpolation": self.interpolation,
        }

    def steps_per_epoch(self, images: int) -> int:
        """Returns the number of steps an epoch, for a number of images; updates are whole."""
        return images // self.batch_size * self.accumulate

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Recipe":
        """Creates a recipe from the keys of the TOML file, see `to_dict()`.

        Args:
            values: Mapping. The values by key, without nesting.

        Returns:
            A `Recipe`.

        Raises:
            ValueError: If a value has another type than its field.
        """
        values = dict(values)
        _check_types(values)
        for name, part in _PARTS.items():
            keys = [field.name for field in dataclasses.fields(part) if field.name in values]
            values[name] = part(**{key: values.pop(key) for key in keys})
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as the TOML file and `training.json` have it: without nesting.

        The keys of version 0.1 are always there, later ones where they differ from their default.
        """
        values = vars(self).copy()
        for name in _PARTS:
            values |= vars(values.pop(name))
        values = {key: list(x) if isinstance(x, tuple) else x for key, x in values.items()}
        later = {key: values[key] for key, x in _LATER_KEYS.items() if values[key] != x}
        return {key: values[key] for key in _FIRST_KEYS} | later


_PARTS = {"schedule": Schedule, "optimizer": Optimizer, "augmentation": Augmentation}
# The keys of version 0.1, in the order in which `training.json` lists them.
_FIRST_KEYS = (
    *("backbone", "image_size", "epochs", "batch_size", "learning_rate", "warmup_epochs"),
    *("momentum", "weight_decay", "label_smoothing", "flip", "translation", "zoom"),
    *("mixup_alpha", "cutmix_probability", "dropout", "ema_momentum", "holdout", "dtype"),
)
# `optimizer` is a part and a key of it: the key is meant.
_FIELDS = {x.name: x for part in (Recipe, *_PARTS.values()) for x in dataclasses.fields(part)}
# The keys since, as `to_dict()` writes them, with their defaults.
_LATER_KEYS = {
    key: list(field.default) if isinstance(field.default, tuple) else field.default
    for key, field in _FIELDS.items()
    if key not in _FIRST_KEYS and field.type not in _PARTS.values()
}
KEYS = (*_FIRST_KEYS, *_LATER_KEYS)


def _check_types(values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        expected = _FIELDS[key].type
        if expected in _LISTS:
            kind, name = _LISTS[expected]
            fits = isinstance(value, list | tuple) and all(_fits(x, kind) for x in value)
            fits = fits and (expected != Pair or len(value) == 2)
        else:
            fits, name = key == "backbone" or _fits(value, expected), f"of type {expected.__name__}"
        if not fits:
            raise ValueError(f"`{key}` must be {name}. Received: {value!r}")


# The types of values in lists, and how errors name the lists.
_LISTS = {
    Pair: (float, "two numbers"),
    Numbers: (float, "a list of numbers"),
    Names: (str, "a list of strings"),
}


def _fits(value: Any, expected: type) -> bool:
    types = (int, float) if expected is float else expected
    return isinstance(value, types) and isinstance(value, bool) == (expected is bool)


def read_recipe(
    source: str | Path,
    epochs: int | None = None,
    dtype: str | None = None,
    accumulate: int | None = None,
) -> Recipe:
    """Reads a published recipe, a TOML file, or the recipe that a preset was trained by.

    Args:
        source: str or Path. A name of `recipe_names()`, a file, or a preset: a name, a folder, or
            `"hf://user/name"`.
        epochs: int. Replaces the recipe's `epochs` if given. Of fewer epochs, warm-up and steps
            take the same share, see `Schedule.shorten`. Defaults to `None`.
        dtype: str. Replaces the recipe's `dtype` if given. Defaults to `None`.
        accumulate: int. Replaces the recipe's `accumulate` if given. Defaults to `None`.

    Returns:
        The `Recipe`.

    Raises:
        ValueError: If there is no such recipe, if the file is not TOML, has unknown keys or values
            of another type, or if its warm-up is not shorter than the training.
    """
    what, values = read_values(source)
    unknown = sorted(set(values) - set(KEYS))
    if unknown or "backbone" not in values:
        raise ValueError(
            f"{what} must have a [backbone] table and no keys but "
            f"{', '.join(KEYS)}. Received: {', '.join(values)}"
        )
    overrides = {"dtype": dtype, "accumulate": accumulate}
    values |= {key: value for key, value in overrides.items() if value is not None}
    try:
        recipe = Recipe.from_dict(values)
        if epochs is None:
            return recipe
        schedule = recipe.schedule
        if epochs < schedule.epochs:
            schedule = schedule.shorten(epochs)
        else:
            schedule = dataclasses.replace(schedule, epochs=epochs)
        return dataclasses.replace(recipe, schedule=schedule)
    except ValueError as error:
        raise ValueError(f"{what} is invalid: {error}") from None
