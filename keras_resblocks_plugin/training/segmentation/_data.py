"""Images and masks of class ids, from any dataset of the `datasets` library."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_resblocks_plugin.training.data._images import read_image, read_mask
from keras_resblocks_plugin.training.data._records import Records, write_records
from keras_resblocks_plugin.training.data._rows import UNREADABLE, load_rows, readable

# The value of pixels without a class in a file of masks, if `class_values` is given.
IGNORED = 255


@dataclasses.dataclass(frozen=True)
class MaskedImages:
    """The images and masks of a split, all of one size.

    Args:
        images: RGB images of shape `(height, width, 3)`.
        masks: Masks of shape `(height, width)`.
        values: Booleans of shape `(count, 256)`: the values that each mask has.
        settings: The settings that identify these images and masks.
        skipped: The number of rows left out, by their fault.
    """

    images: Records
    masks: Records
    values: np.ndarray
    settings: dict[str, Any]
    skipped: dict[str, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.masks.shape


def load_masked_images(
    path: str,
    split: str,
    cache: Path,
    size: Sequence[int] | None,
    image_column: str,
    mask_column: str,
    skip_unreadable: bool,
    class_values: Sequence[int] | None = None,
    ignored_id: int | None = None,
) -> MaskedImages:
    """Reads one split, decoded once into files under `cache`.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        split: The name of the split.
        cache: A folder for the decoded images.
        size: The height and width to resize all images to, or `None` if they have one size.
        image_column: The column of images.
        mask_column: The column of masks, images of class ids.
        skip_unreadable: Whether to leave out images that cannot be read.
        class_values: The mask values that are classes, in their order, if not 0, 1, and so on.
        ignored_id: The value of pixels without a class.

    Raises:
        ValueError: If the split or a column is missing, an image cannot be read, a mask has
            another size than its image, or it has values without a class.
    """
    dataset = load_rows(path, split, cache, image=image_column, mask=mask_column)
    first = []

    def decode(row, index):
        where = f"Row {index} of the split {split!r}"
        image = Image.fromarray(readable(read_image, row[image_column]))
        try:
            values = readable(read_mask, row[mask_column])
        except ValueError as error:
            raise ValueError(f"{where} must have a mask of {error}") from None
        mask = Image.fromarray(_ids(values, class_values, ignored_id, where))
        if mask.size != image.size:
            raise ValueError(
                f"{where} must have a mask of its image's size, {size_text(image.size)} pixels. "
                f"Received: {size_text(mask.size)}"
            )
        if size:
            wanted = tuple(reversed(size))
            image = image.resize(wanted, Image.Resampling.BILINEAR)
            mask = mask.resize(wanted, Image.Resampling.NEAREST)
        first.append(image.size)
        if image.size != first[0]:
            raise ValueError(
                f"{where} must have the size of the rows before it, {size_text(first[0])} pixels, "
                f"or give --image-size, to scale all to. Received: {size_text(image.size)}"
            )
        ids = np.asarray(mask)
        values = np.bincount(ids.ravel(), minlength=256) > 0
        return np.asarray(image), ids, values.astype("uint8")

    settings = {"name": Path(path).name, "image_size": size}
    settings |= {"image_column": image_column, "mask_column": mask_column}
    if class_values:
        settings |= {"class_values": class_values, "ignored_id": ignored_id}
    skip = [UNREADABLE] * skip_unreadable
    written = write_records(dataset, split, cache, decode, settings, skip)
    images, masks, values = written.files
    return MaskedImages(images, masks, values.array.astype(bool), written.settings, written.skipped)


def _ids(
    values: np.ndarray, classes: Sequence[int] | None, ignored_id: int | None, where: str
) -> np.ndarray:
    """Converts the values of a mask to 8-bit indices of classes."""
    known = list(range(256) if classes is None else classes)
    if ignored_id is not None:
        known.append(ignored_id)
    present = np.unique(values)
    if not np.isin(present, known).all():
        raise ValueError(
            f"{where} must have a mask of class ids from 0 to 255, or of the values that "
            "--class-values lists in the order of the classes; --ignore-class is the value of "
            f"no class. Received: the values {values_text(present)}"
        )
    if classes is None:
        return values.astype("uint8")
    ids = np.full(values.shape, IGNORED, "uint8")
    for index, value in enumerate(classes):
        ids[values == value] = index
    return ids


def values_text(values: np.ndarray) -> str:
    """Lists the first values of a mask for an error."""
    more = f" and {len(values) - 20} others" if len(values) > 20 else ""
    return ", ".join(map(str, values[:20].tolist())) + more


def size_text(size: tuple[int, int]) -> str:
    """Writes a width and a height for an error, such as `"40×30"`."""
    return "×".join(map(str, size))
