"""Small synthetic datasets of images."""

import pathlib

import datasets
import numpy as np
from PIL import Image

CLASSES = ["red", "green", "blue"]


def photographs(count: int, seed: int) -> dict[str, list]:
    """Noisy images whose strongest channel is their class. Every fifth is larger and not square."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for index in range(count):
        label = index % len(CLASSES)
        shape = (48, 40, 3) if index % 5 == 0 else (32, 32, 3)
        pixels = rng.integers(0, 128, shape)
        pixels[..., label] += 100
        images.append(Image.fromarray(pixels.astype("uint8")))
        labels.append(label)
    return {"image": images, "label": labels}


def save_dataset(folder: pathlib.Path, **splits: dict[str, list]) -> pathlib.Path:
    """Saves splits as Parquet files in the layout of the `datasets` library."""
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=CLASSES))
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in splits.items():
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{name}-00000-of-00001.parquet")
    return folder


def save_two_columns(folder):
    """Images and labels in two columns each: the second images are dark, their labels shifted."""
    features = datasets.Features(
        **{name: datasets.Image() for name in ("image", "dark")},
        **{name: datasets.ClassLabel(names=CLASSES) for name in ("label", "shape")},
    )
    folder.mkdir()
    for seed, (split, count) in enumerate({"train": 90, "validation": 30}.items()):
        columns = photographs(count, seed)
        columns["dark"] = [image.point(lambda x: x // 2) for image in columns["image"]]
        columns["shape"] = [(label + 1) % 3 for label in columns["label"]]
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder
