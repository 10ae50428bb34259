"""The classifier that a recipe trains, and the scaling of its pixels."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import _distribution


def build_classifier(
    backbone: Mapping[str, Any],
    class_names: list[str],
    converter: krp.ResBlockImageConverter,
    dropout: float,
    dtype: str,
) -> krp.ResBlockImageClassifier:
    """Builds an untrained classifier.

    Args:
        backbone: The arguments of `krp.ResBlockBackbone`.
        class_names: The classes, by label.
        converter: The converter of its preprocessor.
        dropout: The dropout rate in front of the head.
        dtype: The precision policy of the backbone.
    """
    return krp.ResBlockImageClassifier(
        krp.ResBlockBackbone(**backbone, dtype=dtype),
        class_names=class_names,
        preprocessor=krp.ResBlockImageClassifierPreprocessor(converter),
        dropout=dropout,
        head_dtype="float32",
    )


def new_converter(
    image_size: int, crop_fraction: float = 1.0, **options: Any
) -> krp.ResBlockImageConverter:
    """Builds a converter that resizes images to a square, antialiased.

    Args:
        image_size: The side of the square.
        crop_fraction: Below 1, whole images are resized before the center is cropped.
        **options: Other arguments of the converter.
    """
    if crop_fraction < 1:
        options |= {"crop_fraction": crop_fraction, "crop_order": "resize_then_crop"}
    return krp.ResBlockImageConverter(
        image_size=(image_size, image_size), antialias=True, **options
    )


def build_converter(
    pixels: Iterable[np.ndarray], image_size: int, **options: Any
) -> krp.ResBlockImageConverter:
    """Builds a converter that scales each channel of some pixels to mean 0 and variance 1.

    Args:
        pixels: uint8 images of this process; the statistics are those of all processes.
        image_size: Side of the square images that the converter returns.
        **options: Other arguments of `new_converter`.
    """
    values = np.arange(256)
    # Integers, so that the sum does not depend on how the images are shared out.
    counts = sum((_histogram(image) for image in pixels), np.zeros((3, 256), "int64"))
    counts = _distribution.total(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ values
    std = np.sqrt([share @ (values - m) ** 2 for share, m in zip(shares, mean, strict=True)])
    return new_converter(
        image_size,
        scale=[round(float(value), 8) for value in 1 / std],
        offset=[round(float(value), 8) for value in -mean / std],
        **options,
    )


def _histogram(image: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(channel, minlength=256) for channel in image.reshape(-1, 3).T])
