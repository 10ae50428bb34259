"""The image operations of RandAugment and TrivialAugment, on Pillow images."""

import dataclasses
from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageOps

# ImageNet's mean color, which random erasing and timm's RandAugment fill with.
MEAN_COLOR = (124, 116, 104)


@dataclasses.dataclass(frozen=True)
class Filling:
    """Interpolation and fill color of an operation that moves pixels."""

    interpolation: Image.Resampling
    color: tuple[int, int, int]


def apply(image: Image.Image, name: str, value: float, filling: Filling) -> Image.Image:
    """Applies an operation.

    Args:
        image: The RGB image.
        name: A name in `timm.data.auto_augment` and torchvision, without "Increasing".
        value: In the operation's own unit: the tangent of an angle, pixels, a share of the side,
            degrees, a factor's distance from 1, bits, or a threshold. Operations without a
            strength ignore it.
        filling: For the operations that move pixels.
    """
    if name in _MATRICES:
        matrix = _MATRICES[name](value, *image.size)
        return image.transform(
            image.size,
            Image.Transform.AFFINE,
            matrix,
            filling.interpolation,
            fillcolor=filling.color,
        )
    if name == "Rotate":
        return image.rotate(value, filling.interpolation, fillcolor=filling.color)
    if name in ENHANCERS:
        return ENHANCERS[name](image).enhance(1 + value)
    return _PIXELWISE[name](image, value)


def _add_to_dark(image: Image.Image, value: float) -> Image.Image:
    table = [min(255, x + int(value)) if x < 128 else x for x in range(256)]
    return image.point(table * 3)


def _posterize(image: Image.Image, bits: float) -> Image.Image:
    # Pillow's own takes no 0, which is what the greatest magnitude of timm asks for: black.
    mask = 256 - 2 ** (8 - int(bits))
    return image.point([x & mask for x in range(256)] * 3)


# Pillow's matrices lead from a pixel of the result to one of the image.
_MATRICES: dict[str, Callable[[float, int, int], tuple[float, ...]]] = {
    "ShearX": lambda value, width, height: (1, value, 0, 0, 1, 0),
    "ShearY": lambda value, width, height: (1, 0, 0, value, 1, 0),
    "TranslateX": lambda value, width, height: (1, 0, value, 0, 1, 0),
    "TranslateY": lambda value, width, height: (1, 0, 0, 0, 1, value),
    "TranslateXRel": lambda value, width, height: (1, 0, value * width, 0, 1, 0),
    "TranslateYRel": lambda value, width, height: (1, 0, 0, 0, 1, value * height),
}
ENHANCERS = {
    "Brightness": ImageEnhance.Brightness,
    "Color": ImageEnhance.Color,
    "Contrast": ImageEnhance.Contrast,
    "Sharpness": ImageEnhance.Sharpness,
}
_PIXELWISE: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "Identity": lambda image, value: image,
    "AutoContrast": lambda image, value: ImageOps.autocontrast(image),
    "Equalize": lambda image, value: ImageOps.equalize(image),
    "Invert": lambda image, value: ImageOps.invert(image),
    "Posterize": _posterize,
    "Solarize": lambda image, value: ImageOps.solarize(image, value),
    "SolarizeAdd": _add_to_dark,
}
