"""Presets of tiny classifiers to start from."""

import pathlib
from collections.abc import Sequence

import keras_resblocks_plugin as krp


def save_preset(
    folder: pathlib.Path, filters: Sequence[int] = (8,), side: int = 32, block_type: str = "bn"
) -> pathlib.Path:
    """Saves a classifier of two classes with the pyramid levels P2, P3 and so on."""
    backbone = krp.ResBlockBackbone(
        block_type, list(filters), [1] * len(filters), [2] * len(filters), [8], [3], [2]
    )
    converter = krp.ResBlockImageConverter(image_size=(side, side), scale=1 / 64, offset=-2.0)
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    krp.ResBlockImageClassifier(backbone, 2, preprocessor=preprocessor).save_to_preset(str(folder))
    return folder
