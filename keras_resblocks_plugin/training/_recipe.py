"""Recipes: the network to train and how to train it, in one small TOML file."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


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
class Augmentation:
    """Random changes of the training images.

    Args:
        flip: bool. Whether to mirror images left to right. Defaults to `True`.
        translation: float. The largest shift, as a share of the side. Defaults to `0.1`.
        zoom: float. The largest change of scale, as a share of the side. Defaults to `0.0`.
        mixup_alpha: float. The strength of MixUp; `0.0` turns it off. Defaults to `0.0`.
        cutmix_probability: float. The share of batches that CutMix mixes. Defaults to `0.0`.
    """

    flip: bool = True
    translation: float = 0.1
    zoom: float = 0.0
    mixup_alpha: float = 0.0
    cutmix_probability: float = 0.0


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
    augmentation: Augmentation = Augmentation()
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
        """Returns the recipe as the TOML file and `training.json` have it: without nesting."""
        values = vars(self).copy()
        for name in _PARTS:
            values |= vars(values.pop(name))
        return {key: values[key] for key in KEYS}


_PARTS = {"schedule": Schedule, "optimizer": Optimizer, "augmentation": Augmentation}
# The keys of the TOML file, in the order in which `training.json` lists them.
KEYS = (
    *("backbone", "image_size", "epochs", "batch_size", "learning_rate", "warmup_epochs"),
    *("momentum", "weight_decay", "label_smoothing", "flip", "translation", "zoom"),
    *("mixup_alpha", "cutmix_probability", "dropout", "ema_momentum", "holdout", "dtype"),
)


def _check_types(values: Mapping[str, Any]) -> None:
    classes = (Recipe, *_PARTS.values())
    types = {field.name: field.type for part in classes for field in dataclasses.fields(part)}
    for key, value in values.items():
        expected = types[key] if types[key] in (bool, int, str) else (int, float)
        fits = isinstance(value, expected) and isinstance(value, bool) == (types[key] is bool)
        if key != "backbone" and not fits:
            raise ValueError(f"`{key}` must be of type {types[key].__name__}. Received: {value!r}")


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
