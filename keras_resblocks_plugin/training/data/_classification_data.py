"""Checks of the images and labels of a split before training."""

import sys
import warnings
from multiprocessing.pool import ThreadPool

import numpy as np
from tqdm import tqdm

from keras_resblocks_plugin.training import _distribution, _provenance
from keras_resblocks_plugin.training.data import _data
from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image


def usable_rows(split: _data.Split, skip_unreadable: bool) -> np.ndarray:
    """The rows of a split to decode: all, or those whose images can be read."""
    return readable_rows(split, True) if skip_unreadable else np.arange(len(split))


def readable_rows(
    split: _data.Split, skip_unreadable: bool, unreadable: np.ndarray | None = None
) -> np.ndarray:
    """Returns the rows of a split whose images can be read.

    Args:
        split: The split.
        skip_unreadable: Whether to leave out the others.
        unreadable: The rows that cannot be read. Images are checked only if it is not given.

    Raises:
        ValueError: If there are others and `skip_unreadable` is not set, or no row is left.
    """
    bad = _unreadable(split) if unreadable is None else unreadable
    if len(bad) and not skip_unreadable:
        raise ValueError(
            f"{len(bad)} images of {split.path!r} cannot be read, rows {split.name} "
            f"{', '.join(map(str, bad[:10]))}{'…' if len(bad) > 10 else ''}. Mend them, or leave "
            f"them out with --skip-unreadable. The first: {split.where(bad[0])}"
        )
    if len(bad) and _distribution.is_first():
        # What a script prints may be read by a program.
        print(
            f"Left out of the split {split.name!r}: {len(bad)} of {len(split)} images, which "
            "cannot be read",
            file=sys.stderr,
        )
    rows = np.setdiff1d(np.arange(len(split)), bad)
    if not len(rows):
        raise ValueError(f"The split {split.name!r} of {split.path!r} has no images to be read.")
    return rows


def warn_of_empty_classes(split: _data.Split, rows: np.ndarray) -> None:
    """Warns of classes that have no image among the training rows."""
    there = set(split.labels(rows).tolist())
    empty = [name for label, name in enumerate(split.class_names) if label not in there]
    if empty:
        warnings.warn(
            f"{len(empty)} classes have no image to learn from, so none will be named rightly: "
            f"{', '.join(empty[:10])}",
            stacklevel=2,
        )


def _unreadable(split: _data.Split) -> np.ndarray:
    """The rows whose images cannot be read; what is found is kept in the cache."""
    settings = split.settings
    file = split.cache / f"{split.name}-{_provenance.key(settings)}-unreadable.json"
    if not file.exists():
        _provenance.write_result(file, {"rows": _find_unreadable(split).tolist()}, settings)
    kept = _provenance.read_result(file, settings, way_out=f"Remove {file}.")
    return np.asarray(kept["rows"], "int64")


def _find_unreadable(split: _data.Split) -> np.ndarray:
    def is_bad(row):
        try:
            read_image(split.dataset[row][split.image_column])
        except UnreadableImage:
            return True
        return False

    # Decoding releases the interpreter.
    with ThreadPool() as pool:
        checked = pool.imap(is_bad, range(len(split)), chunksize=64)
        bad = list(tqdm(checked, total=len(split), desc=f"Checking {split.name} images", unit=""))
    return np.flatnonzero(bad)
