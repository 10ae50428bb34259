"""RandAugment and TrivialAugment: which operation an image gets, and how strong it is."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data.augmentation._crop import draw_interpolation
from keras_resblocks_plugin.training.data.augmentation._operations import (
    MEAN_COLOR,
    Filling,
    apply,
)

# The value of an operation at a strength from 0 to 1, and whether its sign is drawn.
Strength = tuple[Callable[[float], float], bool]

# timm's increasing variant ("inc1").
RAND_AUGMENT: dict[str, Strength] = {
    "AutoContrast": (lambda x: 0, False),
    "Equalize": (lambda x: 0, False),
    "Invert": (lambda x: 0, False),
    "Rotate": (lambda x: 30 * x, True),
    "Posterize": (lambda x: 4 - int(4 * x), False),
    "Solarize": (lambda x: 256 - int(256 * x), False),
    "SolarizeAdd": (lambda x: int(110 * x), False),
    "Color": (lambda x: 0.9 * x, True),
    "Contrast": (lambda x: 0.9 * x, True),
    "Brightness": (lambda x: 0.9 * x, True),
    "Sharpness": (lambda x: 0.9 * x, True),
    "ShearX": (lambda x: 0.3 * x, True),
    "ShearY": (lambda x: 0.3 * x, True),
    "TranslateXRel": (lambda x: 0.45 * x, True),
    "TranslateYRel": (lambda x: 0.45 * x, True),
}
# torchvision's `TrivialAugmentWide`.
TRIVIAL_AUGMENT: dict[str, Strength] = {
    "Identity": (lambda x: 0, False),
    "ShearX": (lambda x: 0.99 * x, True),
    "ShearY": (lambda x: 0.99 * x, True),
    "TranslateX": (lambda x: int(32 * x), True),
    "TranslateY": (lambda x: int(32 * x), True),
    "Rotate": (lambda x: 135 * x, True),
    "Brightness": (lambda x: 0.99 * x, True),
    "Color": (lambda x: 0.99 * x, True),
    "Contrast": (lambda x: 0.99 * x, True),
    "Sharpness": (lambda x: 0.99 * x, True),
    "Posterize": (lambda x: 8 - round(6 * x), False),
    "Solarize": (lambda x: 255 - 255 * x, False),
    "AutoContrast": (lambda x: 0, False),
    "Equalize": (lambda x: 0, False),
}
_BINS = 31


def rand_augment(
    image: np.ndarray, rng: np.random.Generator, count: int, magnitude: float, std: float
) -> np.ndarray:
    """Applies `count` operations, each with a probability of 0.5, as timm does."""
    result = Image.fromarray(image)
    for name in rng.choice(list(RAND_AUGMENT), count):
        if rng.random() < 0.5:
            strength = np.clip(rng.normal(magnitude, std), 0, 10) / 10
            value = _draw_value(RAND_AUGMENT[name], strength, rng)
            filling = Filling(draw_interpolation("random", rng), MEAN_COLOR)
            result = apply(result, name, value, filling)
    return np.asarray(result)


def trivial_augment(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Applies one operation of any strength.

    It interpolates bilinearly, as torchvision's training script does, and fills with black.
    """
    name = rng.choice(list(TRIVIAL_AUGMENT))
    value = _draw_value(TRIVIAL_AUGMENT[name], rng.integers(_BINS) / (_BINS - 1), rng)
    filling = Filling(Image.Resampling.BILINEAR, (0, 0, 0))
    return np.asarray(apply(Image.fromarray(image), name, value, filling))


def _draw_value(strength: Strength, share: float, rng: np.random.Generator) -> float:
    value, is_signed = strength
    return -value(share) if is_signed and rng.random() < 0.5 else value(share)
