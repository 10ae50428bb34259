"""Images to read by their row: decoded ones in an array, and encoded ones where they lie."""

import contextlib
import dataclasses
import functools
import threading
import warnings
from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
import pyarrow

from keras_resblocks_plugin.training.data._images import UnreadableImage, open_image
from keras_resblocks_plugin.training.data._input_mode import InputMode, choose_mode
from keras_resblocks_plugin.training.data._labelled_images import Split
from keras_resblocks_plugin.training.data._resizing import Picture, Resize
from keras_resblocks_plugin.training.data._rows import read_column


class Images(Protocol):
    """Images with one label each, which are read by their row."""

    labels: np.ndarray
    class_names: list[str]

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> np.ndarray:
        """Reads an image of shape `(height, width, 3)`.

        Raises:
            UnreadableImage: If it cannot be read.
        """

    def picture(self, row: int) -> Picture:
        """Reads an image to augment, which need not be copied into an array before."""


@dataclasses.dataclass(frozen=True)
class EncodedImages:
    """Images that are decoded whenever they are read, so that nothing is stored.

    Args:
        split: The split.
        rows: The rows of the split to use.
        labels: The index of each image's class, of shape `(count,)`.
        resize: How each image is resized. Defaults to `None`: they keep their sizes.
    """

    split: Split
    rows: np.ndarray
    labels: np.ndarray
    resize: Resize | None = None

    @property
    def class_names(self) -> list[str]:
        """The classes, by label."""
        return self.split.class_names

    @functools.cached_property
    def _encoded(self) -> pyarrow.ChunkedArray:
        # A row of the dataset itself takes several times as long.
        return read_column(self.split.dataset, self.split.image_column)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> np.ndarray:
        return np.array(self.picture(row))

    def picture(self, row: int) -> Picture:
        """Reads an image to augment: of Pillow, or the array that `resize` returns."""
        index = int(self.rows[row])
        try:
            image = open_image(self._encoded[index].as_py())
        except UnreadableImage as error:
            raise UnreadableImage(f"{self.split.where(index)}: {error}") from None
        return image if self.resize is None else self.resize(np.array(image))


def load(
    split: Split, resize: Resize | None, rows: np.ndarray, mode: Literal["stream", "array"]
) -> Images:
    """Decodes images into the cache, or opens them to be decoded whenever they are read.

    Raises:
        ValueError: If a label is out of range, or an image to decode cannot be read.
    """
    if mode == "array":
        return split.decode(resize, rows)
    return EncodedImages(split, rows, split.labels(rows), resize)


def mode_of(
    mode: InputMode, resize: Resize, *splits: Split, count: int | None = None
) -> Literal["stream", "array"]:
    """Chooses the mode of images that a preset's converter resizes.

    Args:
        mode: The user's choice.
        resize: The resizing.
        *splits: The splits. Where images keep their sizes, one of the first split shows them.
        count: How many images there are. Defaults to all of the splits.

    Raises:
        ValueError: If they are to be decoded into memory and do not fit, or none can be read.
    """
    count = sum(map(len, splits)) if count is None else count
    return choose_mode(mode, count * (resize.nbytes or _first_size(splits[0], resize)))


def _first_size(split: Split, resize: Resize) -> int:
    images = EncodedImages(split, np.arange(len(split)), split.labels(), resize)
    for row in range(len(images)):
        with contextlib.suppress(UnreadableImage):
            return images[row].nbytes
    raise ValueError(f"The split {split.name!r} of {split.path!r} has no images to be read.")


class Replacements:
    """Reads images, and replaces those that cannot be read.

    Args:
        images: The images.
        limit: How many images may be unreadable. `None` for any number.
    """

    def __init__(self, images: Images, limit: int | None = 0):
        self.images = images
        self.limit = limit
        self.unreadable: set[int] = set()
        self._counting = threading.Lock()

    def read(
        self, row: int, rows: np.ndarray, new_rng: Callable[[], np.random.Generator]
    ) -> tuple[Picture, np.integer]:
        """Reads an image to augment and its label, or those of another row.

        Args:
            row: The row.
            rows: The rows to replace it from.
            new_rng: A function that creates the generator that chooses.

        Raises:
            UnreadableImage: If more images than the limit cannot be read.
        """
        rng = None
        while True:
            try:
                return self.images.picture(row), self.images.labels[row]
            except UnreadableImage as error:
                self._count(int(row), len(rows), error)
            rng = rng or new_rng()
            row = rows[rng.integers(len(rows))]

    def _count(self, row: int, count: int, error: UnreadableImage) -> None:
        with self._counting:
            is_new = row not in self.unreadable
            self.unreadable.add(row)
            found = len(self.unreadable)
        if (self.limit is not None and found > self.limit) or found >= count:
            allowed = "any number" if self.limit is None else self.limit
            raise UnreadableImage(
                f"{error}. Fix it, leave out such images with --skip-unreadable, or raise the "
                f"recipe's `max_unreadable`. Received: {found} such images of {count}, with "
                f"max_unreadable={allowed}"
            )
        if is_new:
            warnings.warn(f"{error}. Another image replaces it ({found} so far)", stacklevel=3)
