"""Small datasets and weights under the names that the pages use."""

from pathlib import Path

import datasets
import huggingface_hub
import numpy as np
from PIL import Image

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.hub.server import Hub

_SIDE = 64


def save_photographs(folder: Path, names: list[str], **counts: int) -> None:
    """Noise with a label and one bright square of a class: for classification and detection."""
    features = datasets.Features(
        image=datasets.Image(),
        label=datasets.ClassLabel(names=names),
        objects={
            "bbox": datasets.List(datasets.List(datasets.Value("float32"), length=4)),
            "category": datasets.List(datasets.ClassLabel(names=names)),
        },
    )
    for split, count in counts.items():
        rng = np.random.default_rng(count)
        labels = [index % len(names) for index in range(count)]
        pixels = rng.integers(0, 60, (count, _SIDE, _SIDE, 3))
        pixels[:, 20:50, 10:40] = 200
        columns = {
            "image": [Image.fromarray(image.astype("uint8")) for image in pixels],
            "label": labels,
            "objects": [{"bbox": [[10, 20, 30, 30]], "category": [x]} for x in labels],
        }
        _save(folder, split, columns, features)


def save_class_folders(folder: Path, names: list[str], count: int) -> None:
    """Photographs as files, in a folder for each class."""
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(0, 256, (_SIDE, _SIDE, 3), "uint8")
            Image.fromarray(pixels).save(folder / name / f"{index}.jpg")


def save_streets(folder: Path, classes: int, **counts: int) -> None:
    """Noise with masks of all classes, and of the id after them for pixels of no class."""
    features = datasets.Features(image=datasets.Image(), mask=datasets.Image())
    for split, count in counts.items():
        rng = np.random.default_rng(count)
        pixels = rng.integers(0, 256, (count, 60, 80, 3))
        ids = rng.integers(0, classes + 1, (count, 6, 8)).repeat(10, 1).repeat(10, 2)
        columns = {
            name: [Image.fromarray(array.astype("uint8")) for array in arrays]
            for name, arrays in (("image", pixels), ("mask", ids))
        }
        _save(folder, split, columns, features)


def publish_timm(folder: Path, hub: Hub) -> None:
    """A small network on the Hub, under the name of one of timm's."""
    krp.convert.to_timm(models.classifier("resnet18"), folder / "timm")
    api = huggingface_hub.HfApi(token=hub.token("timm"))
    api.create_repo("timm/resnet18.a1_in1k")
    api.upload_folder(repo_id="timm/resnet18.a1_in1k", folder_path=folder / "timm")


def _save(folder: Path, split: str, columns: dict, features: datasets.Features) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = datasets.Dataset.from_dict(columns, features=features)
    rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
