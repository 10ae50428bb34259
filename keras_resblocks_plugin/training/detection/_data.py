"""Images and boxes of objects, from any dataset of the `datasets` library."""

import dataclasses
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data._class_order import own_features
from keras_resblocks_plugin.training.data._images import read_image
from keras_resblocks_plugin.training.data._records import Records, write_records
from keras_resblocks_plugin.training.data._rows import (
    BAD_BOXES,
    UNREADABLE,
    BadRow,
    load_rows,
    readable,
)

# The padding of boxes and labels of images with fewer objects than others.
NONE = -1.0


@dataclasses.dataclass(frozen=True)
class BoxedImages:
    """The square images of a split, and the boxes in them.

    Args:
        images: RGB images of shape `(side, side, 3)`.
        boxes: The left, top, right and bottom of each box in pixels of the resized image, of
            shape `(count, most, 4)`, padded with -1.
        labels: The class of each box, of shape `(count, most)`, padded with -1.
        class_names: The names of the classes.
        settings: The settings that identify these images and boxes.
        skipped: The number of rows left out, by their fault.
    """

    images: Records
    boxes: np.ndarray
    labels: np.ndarray
    class_names: list[str]
    settings: dict[str, Any]
    skipped: dict[str, int]


def load_boxed_images(
    path: str,
    split: str,
    cache: Path,
    side: int,
    image_column: str,
    objects_column: str,
    skip_unreadable: bool,
    skip_bad_boxes: bool,
) -> BoxedImages:
    """Reads one split, decoded and resized to squares once into a file under `cache`.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        split: The name of the split.
        cache: A folder for the decoded images.
        side: The side of the squares, in pixels.
        image_column: The column of images.
        objects_column: The column of objects: lists of `bbox`, left, top, width and height in
            pixels, and of `category`.
        skip_unreadable: Whether to leave out images that cannot be read.
        skip_bad_boxes: Whether to leave out images with a box of no area or outside them.

    Raises:
        ValueError: If the split or a column is missing, an image cannot be read, or a box
            or a category is invalid.
    """
    dataset = load_rows(path, split, cache, image=image_column, objects=objects_column)
    names = _class_names(dataset.features, path, objects_column)
    own = own_features(path, split, cache / "datasets")
    if own is not None and _class_names(own, path, objects_column) != names:
        raise ValueError(
            f"The files of the split {split!r} of {path!r} must list the classes of the first "
            "split in the same order, as `datasets` reads all splits by the first one's names. "
            "Write them again with the same features. Received: "
            f"{_class_names(own, path, objects_column)}, not {names}"
        )

    def decode(row, index):
        image = Image.fromarray(readable(read_image, row[image_column]))
        _check_objects(row[objects_column], image.size, f"Row {index} of the split {split!r}")
        scaled = image.resize((side, side), Image.Resampling.BILINEAR)
        return np.asarray(scaled), np.asarray(image.size, "<u4").view("uint8")

    skip = [UNREADABLE] * skip_unreadable + [BAD_BOXES] * skip_bad_boxes
    settings = {"name": Path(path).name, "side": side}
    settings |= {"image_column": image_column, "objects_column": objects_column}
    written = write_records(dataset, split, cache, decode, settings, skip)
    images, sizes = written.files
    boxes, labels = padded(dataset.select(written.rows)[objects_column])
    highest = int(labels.max())
    names = names or [str(label) for label in range(highest + 1)]
    if highest >= len(names):
        raise ValueError(
            f"The categories of the split {split!r} must be in [0, {len(names)}), the number of "
            f"class names. Received: categories to {highest}"
        )
    boxes[..., 2:] += boxes[..., :2]
    boxes *= np.tile(side / sizes.array.view("<u4"), 2)[:, None]
    boxes[labels == NONE] = NONE
    settings = {**written.settings, "class_names": names}
    return BoxedImages(images, boxes, labels, names, settings, written.skipped)


def _class_names(features, path, column) -> list[str] | None:
    feature = features[column]
    if not isinstance(feature, dict) or not {"bbox", "category"} <= feature.keys():
        raise ValueError(
            f"The column {column!r} of the dataset {path!r} must have lists of `bbox` and "
            f"`category`; name another with --objects-column. Received: {feature}"
        )
    category = getattr(feature["category"], "feature", None)
    if "int" not in (getattr(category, "dtype", None) or ""):
        raise ValueError(
            f"The `category` of the objects in the column {column!r} of the dataset {path!r} must "
            "be lists of integers from 0. Give each word its index in a list of class names, and "
            "the column the type `datasets.List(datasets.ClassLabel(names=…))`. Received: "
            f"{feature['category']}"
        )
    return list(category.names) if isinstance(category, datasets.ClassLabel) else None


def _check_objects(objects: dict | None, size: tuple[int, int], where: str) -> None:
    boxes, categories = ((objects or {}).get(name) for name in ("bbox", "category"))
    if boxes is None or categories is None:
        raise ValueError(
            f"{where} must have lists of `bbox` and `category`, empty ones where an image has no "
            f"objects. Received: {objects}"
        )
    if len(boxes) != len(categories) or any(x is None or x < 0 for x in categories):
        raise ValueError(
            f"{where} must have a category of 0 or more for each box. Received: {len(boxes)} boxes "
            f"and categories {categories}"
        )
    for box in boxes:
        if box is None or len(box) != 4 or any(x is None for x in box):
            raise ValueError(
                f"{where} must have the left, top, width and height of each box. Received: {box}"
            )
        left, top, width, height = box
        right, bottom = left + width, top + height
        inside = left >= 0 and top >= 0 and right <= size[0] and bottom <= size[1]
        # Comparisons with NaN are false.
        if not (inside and width > 0 and height > 0):
            raise BadRow(
                BAD_BOXES,
                f"left, top, width and height {box} in an image of {size[0]}×{size[1]} pixels",
            )


def padded(objects: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the boxes and labels of images as arrays, padded with -1.

    Args:
        objects: The `bbox` and `category` of each image.
    """
    most = max(1, max(len(row["bbox"]) for row in objects))
    boxes = np.full((len(objects), most, 4), NONE, "float32")
    labels = np.full((len(objects), most), NONE, "float32")
    for i, row in enumerate(objects):
        boxes[i, : len(row["bbox"])] = np.reshape(row["bbox"], (-1, 4))
        labels[i, : len(row["bbox"])] = row["category"]
    return boxes, labels
