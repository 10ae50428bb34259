"""The rows of a split whose images can be read."""

import sys

import numpy as np

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training.data._image_cache import find_unreadable, unreadable_rows
from keras_resblocks_plugin.training.data._labelled_images import Split
from keras_resblocks_plugin.training.data._resizing import Resize


def usable_rows(
    split: Split, skip_unreadable: bool, resize: Resize | None = None, mode: str = "array"
) -> np.ndarray:
    """Returns all rows of a split, or with `skip_unreadable` those of images that can be read."""
    if not skip_unreadable:
        return np.arange(len(split))
    if mode == "stream":
        return readable_among(split, np.arange(len(split)))
    return readable_rows(split, skip_unreadable, resize)


def readable_among(split: Split, rows: np.ndarray) -> np.ndarray:
    """Decodes some images, stores nothing, and returns the rows of those that can be read.

    Raises:
        ValueError: If none can be read.
    """
    return _without(split, rows, find_unreadable(split, rows))


def readable_rows(split: Split, skip_unreadable: bool, resize: Resize | None = None) -> np.ndarray:
    """Checks all images of a split, and returns the rows of those that can be read.

    Args:
        split: The split.
        skip_unreadable: Whether to leave out images that cannot be read.
        resize: How the images will be resized when they are decoded. If it is given, the check
            stores the resized images, and `split.decode()` does not decode them again.

    Raises:
        ValueError: If images cannot be read and are not to be left out, or if none can be read.
    """
    bad = unreadable_rows(split, resize)
    if len(bad) and not skip_unreadable:
        raise ValueError(
            f"{len(bad)} images of {split.path!r} cannot be read, rows {split.name} "
            f"{', '.join(map(str, bad[:10]))}{'…' if len(bad) > 10 else ''}. Fix them, or leave "
            f"them out with --skip-unreadable. The first: {split.where(bad[0])}"
        )
    return _without(split, np.arange(len(split)), bad)


def _without(split: Split, rows: np.ndarray, bad: np.ndarray) -> np.ndarray:
    if len(bad) and _distribution.is_first():
        # Programs may read the standard output.
        print(
            f"Left out of the split {split.name!r}: {len(bad)} of {len(rows)} images, which "
            "cannot be read",
            file=sys.stderr,
        )
    readable = np.setdiff1d(rows, bad)
    if not len(readable):
        raise ValueError(f"The split {split.name!r} of {split.path!r} has no images to be read.")
    return readable
