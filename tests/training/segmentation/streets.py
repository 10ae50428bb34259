"""A small made dataset of images with masks."""

import datasets
import numpy as np
from PIL import Image

NAMES = ["red", "green", "blue"]
IGNORED = 3
# Height and width: 8, the stride of the backbone of the tests, divides the second only.
SIZE = (30, 40)


def street(seed: int) -> tuple[Image.Image, Image.Image]:
    """Patches of noisy colours, each a class, and an unlabelled frame at the top."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, len(NAMES), (2, 2)).repeat(15, 0).repeat(20, 1)
    pixels = rng.integers(0, 100, (*SIZE, 3))
    pixels[np.arange(SIZE[0])[:, None], np.arange(SIZE[1]), ids] += 120
    ids[:3] = IGNORED
    return tuple(Image.fromarray(array.astype("uint8")) for array in (pixels, ids))


def save_streets(folder, change=None, **counts: int):
    """Saves splits with some images each; `change(rows)` may spoil their rows."""
    folder.mkdir(parents=True)
    features = datasets.Features(image=datasets.Image(), mask=datasets.Image())
    for seed, (split, count) in enumerate(counts.items()):
        rows = [street(100 * seed + i) for i in range(count)]
        if change:
            change(rows)
        images, masks = zip(*rows, strict=True)
        columns = {"image": list(images), "mask": list(masks)}
        rows = datasets.Dataset.from_dict(columns, features=features)
        rows.to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


def raw_streets(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns padded images, and their masks without padding."""
    images, masks = zip(*(street(100 * seed + i) for i in range(count)), strict=True)
    padded = [np.pad(np.asarray(image), [(0, 2), (0, 0), (0, 0)]) for image in images]
    return np.stack(padded).astype("float32"), np.stack([np.asarray(mask) for mask in masks])
