"""The rows of a split whose images can be read."""

import sys

import numpy as np

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training.data._image_cache import unreadable_rows
from keras_resblocks_plugin.training.data._labelled_images import Split
from keras_resblocks_plugin.training.data._resizing import Resize


def usable_rows(split: Split, skip_unreadable: bool, resize: Resize | None = None) -> np.ndarray:
    """Returns all rows of a split, or with `skip_unreadable` those of `readable_rows()`."""
    if skip_unreadable:
        return readable_rows(split, skip_unreadable, resize)
    return np.arange(len(split))


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
    if len(bad) and _distribution.is_first():
        # Programs may read the standard output.
        print(
            f"Left out of the split {split.name!r}: {len(bad)} of {len(split)} images, which "
            "cannot be read",
            file=sys.stderr,
        )
    rows = np.setdiff1d(np.arange(len(split)), bad)
    if not len(rows):
        raise ValueError(f"The split {split.name!r} of {split.path!r} has no images to be read.")
    return rows
