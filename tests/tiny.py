"""Small models for the tests that save and load presets."""

import re
from pathlib import Path

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import fill, to_numpy

CLASS_NAMES = ["cat", "dog", "fox"]

PRESET_FILES = {
    "config.json",
    "image_converter.json",
    "metadata.json",
    "model.safetensors",
    "model.weights.json",
    "preprocessor.json",
    "task.json",
    "task.weights.h5",
}


def tiny_backbone(block_type="bn", filters=6, **kwargs) -> krp.ResBlockBackbone:
    """A backbone of two stacks, with random weights from NumPy."""
    return fill(
        krp.ResBlockBackbone(
            block_type,
            stackwise_num_filters=[4, filters],
            stackwise_num_blocks=[1, 1],
            stackwise_num_strides=[1, 2],
            input_conv_filters=[4],
            input_conv_kernel_sizes=[3],
            input_conv_strides=[2],
            **kwargs,
        )
    )


def tiny_classifier(backbone=None, **kwargs) -> krp.ResBlockImageClassifier:
    """A classifier of three classes for 16×16 images, with random weights from NumPy."""
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=1 / 255)
    options = {
        "class_names": CLASS_NAMES,
        "preprocessor": krp.ResBlockImageClassifierPreprocessor(converter),
    }
    classifier = krp.ResBlockImageClassifier(backbone or tiny_backbone(), **(options | kwargs))
    fill(classifier.output_dense)
    return classifier


def photos(count: int = 2, side: int = 20) -> np.ndarray:
    """Raw images, larger than the classifier's input."""
    return np.random.default_rng(3).integers(0, 256, (count, side, side, 3)).astype("float32")


def predict(model, x) -> np.ndarray:
    return to_numpy(model.predict(x, verbose=0))


def contents(folder: str | Path) -> dict[str, bytes]:
    """The bytes of all files below a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def assert_refused(load, *parts: str, folder: Path | None = None) -> None:
    """`load` raises a `ValueError` that contains all `parts`, and leaves `folder` unchanged."""
    before = contents(folder) if folder else None
    with pytest.raises(ValueError, match=re.escape(parts[0])) as caught:
        load()
    for part in parts:
        assert part in str(caught.value)
    assert folder is None or contents(folder) == before
