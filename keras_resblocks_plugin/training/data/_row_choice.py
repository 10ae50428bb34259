"""Rows of a labelled dataset that are held out, and classes that are left without rows."""

import warnings

import numpy as np

from keras_resblocks_plugin.training.data._labelled_images import Split


def hold_out(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Splits `range(count)` at random into `(kept, held_out)` indices."""
    order = np.random.default_rng(seed).permutation(count)
    held_out = round(share * count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def warn_of_empty_classes(split: Split, rows: np.ndarray) -> None:
    """Warns of classes without training images."""
    there = set(np.unique(split.labels(rows)).tolist())
    empty = [name for label, name in enumerate(split.class_names) if label not in there]
    if empty:
        warnings.warn(
            f"{len(empty)} classes have no image to learn from, so they will never be predicted: "
            f"{', '.join(empty[:10])}",
            stacklevel=2,
        )
