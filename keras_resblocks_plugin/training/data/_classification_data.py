"""The images of a labelled dataset that a classifier learns from and is measured on."""

import argparse
import sys
import warnings
from multiprocessing.pool import ThreadPool

import numpy as np
from tqdm import tqdm

from keras_resblocks_plugin.training import _distribution, _provenance
from keras_resblocks_plugin.training.data import _classes, _data
from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image


def choose_images(
    args: argparse.Namespace,
) -> tuple[dict[str, _data.Split], dict[str, np.ndarray], int]:
    """Opens the splits, checks labels and images, and chooses rows; a restart chooses the same.

    Args:
        args: The arguments of `finetune.py classification`.

    Returns:
        The splits, their rows, by `"train"`, `"validation"` and, where asked for, `"held_out"`,
        and how many images cannot be read and are left out.

    Raises:
        ValueError: If the dataset does not have what the arguments ask for.
    """
    train, validation = _classes.open_pair(
        *(args.data, args.train_split, args.validation_split, args.out / "cache"),
        *(args.image_column, args.label_column),
    )
    labels = {split.name: _check_labels(split) for split in (train, validation)}
    rows, skipped = _choose(args, train, validation, labels)
    return {"train": train, "held_out": train, "validation": validation}, rows, skipped


def _choose(args, train, validation, labels):
    usable = {
        split.name: readable_rows(split, args.skip_unreadable) for split in (train, validation)
    }
    count = sum(len(split) - len(usable[split.name]) for split in (train, validation))
    rows = balanced_rows(
        *(labels[train.name], usable[train.name], train.class_names),
        *(args.images_per_class, args.held_out_per_class, args.seed),
    )
    warn_of_empty_classes(train, rows["train"])
    rows["validation"] = usable[validation.name]
    if not len(rows["validation"]):
        raise ValueError(f"The split {validation.name!r} of {args.data!r} has no images.")
    return rows, count


def usable_rows(split: _data.Split, skip_unreadable: bool) -> np.ndarray:
    """The rows of a split to decode: all, or those whose images can be read."""
    return readable_rows(split, True) if skip_unreadable else np.arange(len(split))


def readable_rows(split: _data.Split, skip_unreadable: bool) -> np.ndarray:
    """The rows of a split whose images can be read.

    Args:
        split: The split.
        skip_unreadable: Whether to leave out the others.

    Raises:
        ValueError: If there are others and they are not to be left out, or no row is left.
    """
    bad = _unreadable(split)
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


def balanced_rows(
    labels: np.ndarray,
    usable: np.ndarray,
    class_names: list[str],
    wanted: int | None,
    watched: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """The same number of images of each class, at random.

    Args:
        labels: Those of all rows.
        usable: The rows to choose from.
        class_names: The classes, by label.
        wanted: How many of each class to learn from; `None` for all.
        watched: How many others to hold out.
        seed: Of the choice.

    Returns:
        The rows `"train"` and, where there are some to watch, `"held_out"`.

    Raises:
        ValueError: If there are too few.
    """
    if watched < 0 or (wanted is not None and wanted < 1):
        raise ValueError(
            "--images-per-class must be one or more, --held-out-per-class none or more. "
            f"Received: {wanted} and {watched}"
        )
    order = np.random.default_rng(seed).permutation(usable)
    of_class = [order[labels[order] == label] for label in range(len(class_names))]
    # Where no number is asked for, a class may have none.
    needed = watched + (bool(watched) if wanted is None else wanted)
    few = [
        f"{name} {len(rows)}"
        for name, rows in zip(class_names, of_class, strict=True)
        if len(rows) < needed
    ]
    if few:
        raise ValueError(
            f"The training split must have {needed} images of each class, as --images-per-class "
            f"and --held-out-per-class ask for. Received: {', '.join(few[:10])}"
        )
    end = None if wanted is None else watched + wanted
    rows = {"train": np.sort(np.concatenate([rows[watched:end] for rows in of_class]))}
    if watched:
        rows["held_out"] = np.sort(np.concatenate([rows[:watched] for rows in of_class]))
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


def _check_labels(split: _data.Split) -> np.ndarray:
    labels = split.labels()
    if len(np.unique(labels)) < 2:
        raise ValueError(
            f"The split {split.name!r} must have images of two classes or more; there is nothing "
            f"to tell apart. Received: {len(np.unique(labels))} classes in {len(labels)} images"
        )
    return labels


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
