"""A small made dataset of images with boxes."""

import datasets
import numpy as np
from PIL import Image

NAMES = ["red", "green"]
SIDE = 32


def scene(seed: int) -> tuple[Image.Image, dict]:
    """One bright square on a dim ground, its class by colour. Every third image has two."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (SIDE, SIDE, 3))
    objects = {"bbox": [], "category": []}
    for half in range(2 if seed % 3 == 0 else 1):
        width, height = rng.integers(10, 16, 2)
        left, top = 16 * half, rng.integers(0, 32 - height)
        label = rng.integers(2)
        pixels[top : top + height, left : left + width, label] = 230
        objects["bbox"].append([left, top, width, height])
        objects["category"].append(label)
    return Image.fromarray(pixels.astype("uint8")), objects


def save_scenes(folder, change=None, **counts: int):
    """Saves splits with some images each; `change(rows)` may spoil their rows."""
    folder.mkdir(parents=True)
    features = datasets.Features(
        image=datasets.Image(),
        objects={
            "bbox": datasets.List(datasets.List(datasets.Value("float32"), length=4)),
            "category": datasets.List(datasets.ClassLabel(names=NAMES)),
        },
    )
    for seed, (split, count) in enumerate(counts.items()):
        rows = [scene(99 * seed + i) for i in range(count)]
        if change:
            change(rows)
        images, objects = zip(*rows, strict=True)
        columns = {"image": list(images), "objects": list(objects)}
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder
