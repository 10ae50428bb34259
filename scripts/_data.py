"""Images and labels from any dataset of the `datasets` library, decoded once."""

import dataclasses
import json
from pathlib import Path

import datasets
import numpy as np
from PIL import Image
from tqdm import tqdm


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Decoded images: `images` is `(count, size, size, 3)` uint8, `labels` `(count,)`."""

    images: np.ndarray
    labels: np.ndarray
    class_names: list[str]


def load_images(
    path: str,
    split: str,
    image_size: int,
    cache: Path,
    image_column: str = "image",
    label_column: str = "label",
) -> ImageSet:
    """Reads one split, square at `image_size` pixels, RGB.

    The images are decoded once into an array under `cache`, which is mapped into memory
    when the same split is asked for again.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        split: The name of the split.
        image_size: The side in pixels; larger images are cropped to a square first.
        cache: A folder for decoded images.
        image_column: The column of images.
        label_column: The column of integer labels.

    Raises:
        ValueError: If the split or a column is missing, a label is out of range, or an
            image cannot be read.
    """
    try:
        dataset = datasets.load_dataset(path, split=split, cache_dir=str(cache / "datasets"))
    except ValueError as error:
        raise ValueError(
            f"The split {split!r} of the dataset {path!r} cannot be read: {error}"
        ) from None
    class_names = _check_columns(dataset, path, image_column, label_column)
    stem = f"{split}-{dataset._fingerprint}-{image_size}"
    images_file, labels_file = cache / f"{stem}-images.npy", cache / f"{stem}-labels.npy"
    if not labels_file.exists():
        _decode(dataset, image_size, image_column, images_file, cache)
        labels = np.asarray(dataset[label_column], "int32")
        np.save(labels_file, labels)
    labels = np.load(labels_file)
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise ValueError(
            f"Labels must be in [0, {len(class_names)}), the number of class names in {path!r}. "
            f"Received: labels from {labels.min()} to {labels.max()}"
        )
    return ImageSet(np.load(images_file, mmap_mode="r"), labels, class_names)


def _check_columns(dataset, path, image_column, label_column) -> list[str]:
    for column, kind in ((image_column, datasets.Image), (label_column, None)):
        feature = dataset.features.get(column)
        if feature is None or (kind and not isinstance(feature, kind)):
            raise ValueError(
                f"The dataset {path!r} needs a column {column!r}"
                f"{' of images' if kind else ' of integer labels'}; name another with "
                f"--{'image' if kind else 'label'}-column. Received: {dataset.features}"
            )
    feature = dataset.features[label_column]
    if isinstance(feature, datasets.ClassLabel):
        return list(feature.names)
    return [str(label) for label in range(max(dataset[label_column]) + 1)]


def _decode(dataset, image_size, image_column, images_file, cache) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    partial = images_file.with_suffix(".partial.npy")
    shape = (len(dataset), image_size, image_size, 3)
    images = np.lib.format.open_memmap(partial, "w+", "uint8", shape)
    for index in tqdm(range(len(dataset)), desc="Decoding images", unit=""):
        try:
            images[index] = square(dataset[index][image_column], image_size)
        except (OSError, SyntaxError) as error:
            raise ValueError(f"Image {index} of the dataset cannot be read: {error}") from None
    images.flush()
    partial.rename(images_file)


def square(image: Image.Image, size: int) -> np.ndarray:
    """The largest centred square of an image, RGB, at `size` pixels a side."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box))


def hold_out(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Splits `range(count)` at random into `(kept, held_out)` indices."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = round(share * count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
