"""Recipes: the network to train and how to train it, in one small TOML file."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_resblocks_plugin.training._augmentation import Augmentation, Pair


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """The length of a training run and its learning rate at each step.

    Args:
        epochs: int. Passes over the training images. Defaults to `40`.
        learning_rate: float. The peak, which follows the warm-up and precedes a cosine decay.
            Defaults to `0.15`.
        warmup_epochs: float. Epochs of linear warm-up. Defaults to `2.0`.

    Raises:
        ValueError: If the warm-up is as long as the training or longer.
    """

    epochs: int = 40
    learning_rate: float = 0.15
    warmup_epochs: float = 2.0

    def __post_init__(self):
        if not 0 <= self.warmup_epochs < self.epochs:
            raise ValueError(
                "`warmup_epochs` must be less than `epochs`. "
                f"Received: warmup_epochs={self.warmup_epochs}, epochs={self.epochs}"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer:
    """SGD with Nesterov momentum, decoupled weight decay and averaged weights.

    Args:
        momentum: float. Defaults to `0.9`.
        weight_decay: float. Decoupled, multiplied by the learning rate, of kernels only.
            Defaults to `5e-4`.
        ema_momentum: float. The momentum of the moving average of the weights; `0.0` turns
            averaging off. Defaults to `0.0`.
    """

    momentum: float = 0.9
    weight_decay: float = 5e-4
    ema_momentum: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that a training run depends on beside the data and the seed.

    Args:
        backbone: dict. The arguments of `krp.ResBlockBackbone`.
        schedule: `Schedule`. How long to train, and at which learning rate.
        optimizer: `Optimizer`. Momentum, weight decay and averaging.
        augmentation: `Augmentation`. Random changes of the training images.
        image_size: int. Side of the square images, in pixels. Defaults to `64`.
        batch_size: int. Images a step. Defaults to `128`.
        label_smoothing: float. In `[0, 1)`. Defaults to `0.05`.
        dropout: float. The dropout rate in front of the head. Defaults to `0.0`.
        holdout: float. The share of the training split to hold out. Defaults to `0.02`.
        dtype: str. The precision policy while training; presets are saved in float32.
            Defaults to `"float32"`.
        max_unreadable: int. How many training images that cannot be read are replaced by others
            while images are streamed; one more is an error. Defaults to `0`.
    """

    backbone: Mapping[str, Any]
    schedule: Schedule = Schedule()
    optimizer: Optimizer = Optimizer()
    augmentation: Augmentation = dataclasses.field(default=Augmentation())
    image_size: int = 64
    batch_size: int = 128
    label_smoothing: float = 0.05
    dropout: float = 0.0
    holdout: float = 0.02
    dtype: str = "float32"
    max_unreadable: int = 0

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
_FIELDS = {x.name: x for part in (Recipe, *_PARTS.values()) for x in dataclasses.fields(part)}
# The keys since, as `to_dict()` writes them, with their defaults.
_LATER_KEYS = {
    key: list(field.default) if isinstance(field.default, tuple) else field.default
    for key, field in _FIELDS.items()
    if key not in (*_FIRST_KEYS, *_PARTS)
}
KEYS = (*_FIRST_KEYS, *_LATER_KEYS)


def _check_types(values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        expected = _FIELDS[key].type
        if expected == Pair:
            fits = isinstance(value, list | tuple) and len(value) == 2
            fits, name = fits and all(_fits(x, float) for x in value), "two numbers"
        else:
            fits, name = key == "backbone" or _fits(value, expected), f"of type {expected.__name__}"
        if not fits:
            raise ValueError(f"`{key}` must be {name}. Received: {value!r}")


def _fits(value: Any, expected: type) -> bool:
    types = (int, float) if expected is float else expected
    return isinstance(value, types) and isinstance(value, bool) == (expected is bool)


def read_recipe(path: str | Path, epochs: int | None = None, dtype: str | None = None) -> Recipe:
    """Reads a recipe from a TOML file.

    Args:
        path: str or Path. The file.
        epochs: int. Replaces the file's `epochs` if given. Defaults to `None`.
        dtype: str. Replaces the file's `dtype` if given. Defaults to `None`.

    Returns:
        The `Recipe`.

    Raises:
        ValueError: If the file is not TOML, has unknown keys or values of another type, or if its
            warm-up is not shorter than the training.
    """
    try:
        values = tomllib.loads(Path(path).read_text())
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The recipe {path} is not valid TOML: {error}") from None
    unknown = sorted(set(values) - set(KEYS))
    if unknown or "backbone" not in values:
        raise ValueError(
            f"The recipe {path} must have a [backbone] table and no keys but "
            f"{', '.join(KEYS)}. Received: {', '.join(values)}"
        )
    overrides = {"epochs": epochs, "dtype": dtype}
    values |= {key: value for key, value in overrides.items() if value is not None}
    try:
        return Recipe.from_dict(values)
    except ValueError as error:
        raise ValueError(f"The recipe {path} is invalid: {error}") from None
