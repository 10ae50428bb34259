"""Presets and images to predict on."""

import pathlib

import numpy as np
import pyarrow.parquet as pq

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.prediction import PredictConfig, predict
from keras_resblocks_plugin.training.data._images import read_image
from tests.made_data import photographs


def save_images(folder: pathlib.Path, count: int, *, in_classes: bool = False) -> pathlib.Path:
    """Images of several sizes as files: flat, or in a subfolder for each class."""
    columns = photographs(count, 0)
    for index, (image, label) in enumerate(zip(columns["image"], columns["label"], strict=True)):
        file = folder / (f"class {label}" if in_classes else "") / f"{index:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file)
    return folder


def table_of(out: pathlib.Path, preset, data, **options) -> dict[str, list]:
    """The columns of the file that a run writes."""
    cache = out.parent / "cache"
    predict(PredictConfig(preset=str(preset), data=str(data), out=out, cache=cache, **options))
    return columns_of(out)


def columns_of(file: pathlib.Path) -> dict[str, list]:
    return pq.read_table(file).to_pydict()


def raw(files) -> list[np.ndarray]:
    """Raw images, one to a batch, as `predict` takes them."""
    return [read_image(file)[None].astype("float32") for file in files]


def backbone_preset(folder: pathlib.Path, backbone, converter=None) -> pathlib.Path:
    """The preset of a backbone alone, with a converter beside it if there is one."""
    backbone.save_to_preset(str(folder))
    if converter is not None:
        converter.save_to_preset(str(folder))
    assert isinstance(krp.ResBlockBackbone.from_preset(str(folder)), krp.ResBlockBackbone)
    return folder
