"""Conversion of a source of any kind, which its name tells apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_resblocks_plugin.convert._from_keras_applications import from_keras_applications
from keras_resblocks_plugin.convert._from_mlperf_tiny import from_mlperf_tiny
from keras_resblocks_plugin.convert._from_timm import from_timm
from keras_resblocks_plugin.convert._mlperf_tiny import has_keras_names
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier

_KERAS_SUFFIXES = (".h5", ".hdf5")


def convert_any(
    source: str | Path,
    class_names: Sequence[str] | None = None,
    image_size: int | None = None,
    **options: Any,
) -> ResBlockBackbone | ResBlockImageClassifier:
    """Converts an h5 file of a Keras model, or a source that `from_timm` takes.

    Args:
        source: string or path. The file, folder or handle.
        class_names: list of strings. The class names in the order of the labels.
        image_size: int. The side of the images.
        **options: Further arguments of `from_timm`. `None` stands for an omitted one.

    Raises:
        ValueError: If the source is not supported, or if an h5 file is given further options.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if Path(source).suffix not in _KERAS_SUFFIXES:
        return from_timm(source, class_names, image_size, **given)
    if Path(source).is_file() and has_keras_names(Path(source)):
        _refuse({**given, "image_size": image_size}, source)
        return from_mlperf_tiny(source, class_names)
    _refuse(given, source)
    return from_keras_applications(source, class_names, image_size)


def _refuse(options: dict[str, Any], source: str | Path) -> None:
    given = [f"`{name}`" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(
            "An h5 file of a Keras model has its own preprocessing. Leave out "
            f"{', '.join(given)}. Received: source={str(source)!r}"
        )
