"""A recipe: what to train, on what, and how, in one small TOML file."""

import dataclasses
import tomllib
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What `train.py` needs to know; every field is a key of the TOML file.

    Args:
        backbone: The arguments of `krp.ResBlockBackbone`.
        image_size: Side of the square images, in pixels.
        epochs: Passes over the training images.
        batch_size: Images a step.
        learning_rate: The peak, reached after the warm-up and left along a cosine.
        warmup_epochs: Epochs of linear warm-up.
        momentum: Of SGD with Nesterov momentum.
        weight_decay: Decoupled, times the learning rate; kernels only.
        label_smoothing: In `[0, 1)`.
        flip: Whether to mirror images left to right at random.
        translation: The largest random shift, as a share of the side.
        zoom: The largest random change of scale, as a share of the side.
        mixup_alpha: The strength of MixUp; 0 is off.
        cutmix_probability: The share of batches that CutMix mixes.
        dropout: In front of the head.
        ema_momentum: Of the moving average of the weights; 0 is off.
        holdout: The share of the training split to choose by.
        dtype: The precision policy while training; the preset is float32.
    """

    backbone: dict[str, Any]
    image_size: int = 64
    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 0.15
    warmup_epochs: float = 2.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.05
    flip: bool = True
    translation: float = 0.1
    zoom: float = 0.0
    mixup_alpha: float = 0.0
    cutmix_probability: float = 0.0
    dropout: float = 0.0
    ema_momentum: float = 0.0
    holdout: float = 0.02
    dtype: str = "float32"


def read_recipe(path: str | Path, **overrides: Any) -> Recipe:
    """The recipe in a TOML file, with `overrides` that are not `None` in place.

    Raises:
        ValueError: If the file is not TOML, has keys that no recipe has, or warms up for longer
            than it trains.
    """
    try:
        values = tomllib.loads(Path(path).read_text())
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"The recipe {path} is not valid TOML: {error}") from None
    known = [field.name for field in dataclasses.fields(Recipe)]
    unknown = sorted(set(values) - set(known))
    if unknown or "backbone" not in values:
        raise ValueError(
            f"The recipe {path} must have a [backbone] table and no keys but "
            f"{', '.join(known)}. Received: {', '.join(values)}"
        )
    values |= {key: value for key, value in overrides.items() if value is not None}
    recipe = Recipe(**values)
    if not 0 <= recipe.warmup_epochs < recipe.epochs:
        raise ValueError(
            f"`warmup_epochs` of the recipe {path} must be less than `epochs`. "
            f"Received: warmup_epochs={recipe.warmup_epochs}, epochs={recipe.epochs}"
        )
    return recipe
