"""Color jitter, as torchvision's `ColorJitter`."""

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training._augmentation import Augmentation
from keras_resblocks_plugin.training.data.augmentation._operations import ENHANCERS

_KEYS = {"brightness": "Brightness", "contrast": "Contrast", "saturation": "Color"}


def color_jitter(
    image: np.ndarray, rng: np.random.Generator, augmentation: Augmentation
) -> np.ndarray:
    """Changes brightness, contrast, saturation and hue, in a random order."""
    result = Image.fromarray(image)
    for key in rng.permutation([*_KEYS, "hue"]):
        largest = getattr(augmentation, key)
        if not largest:
            continue
        if key == "hue":
            result = shift_hue(result, rng.uniform(-largest, largest))
        else:
            factor = rng.uniform(max(0, 1 - largest), 1 + largest)
            result = ENHANCERS[_KEYS[key]](result).enhance(factor)
    return np.asarray(result)


def shift_hue(image: Image.Image, share: float) -> Image.Image:
    """Turns the color circle by a share of a turn."""
    hue, saturation, value = image.convert("HSV").split()
    hue = hue.point([(x + int(255 * share)) % 256 for x in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")
