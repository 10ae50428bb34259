"""Decoded images of one size in files, which are mapped into memory."""

import contextlib
import tempfile
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from keras_resblocks_plugin.training import _distribution, _provenance
from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image
from keras_resblocks_plugin.training.data._resizing import Resize

if TYPE_CHECKING:
    from keras_resblocks_plugin.training.data._labelled_images import Split

# Rows that are copied at once.
_CHUNK = 256


@contextlib.contextmanager
def cache_folder(folder: Path | None) -> Iterator[Path]:
    """Yields a folder for decoded images: the user's, or a temporary one if there is none."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="keras_resblocks_plugin_") as temporary:
        yield Path(temporary)


def decoded_images(split: "Split", resize: Resize, rows: np.ndarray) -> np.ndarray:
    """Returns decoded images as an array that maps a file; the file is written once.

    Args:
        split: The split.
        resize: A `Square` or `Converted`.
        rows: The rows of the split.

    Raises:
        ValueError: If an image cannot be read or, resized, has not the size of the first.
    """
    cached = _CachedImages(split, resize, rows)
    if not cached.exists():
        readable = _readable_images(split, resize)
        if readable is not None and np.isin(rows, readable.rows).all():
            cached.copy(readable)
        else:
            cached.decode()
    return cached.open()


def unreadable_rows(split: "Split", resize: Resize | None) -> np.ndarray:
    """Returns the rows whose images cannot be read; the result is kept beside the images.

    Args:
        split: The split.
        resize: How all readable images will be resized. They are decoded only once if it is
            given, and for this check alone if it is `None`.
    """
    file, settings = _check_file(split), split.settings
    if not file.exists():
        every = np.arange(len(split))
        if resize is None:
            bad = find_unreadable(split, every)
        else:
            bad = _CachedImages(split, resize, every).decode(skip_unreadable=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        _provenance.write_result(file, {"rows": bad.tolist()}, settings)
    kept = _provenance.read_result(file, settings, way_out=f"Remove {file}.")
    return np.asarray(kept["rows"], "int64")


class _CachedImages:
    """Some images of a split, resized, in the cache."""

    def __init__(self, split: "Split", resize: Resize, rows: np.ndarray):
        self.split, self.resize, self.rows = split, resize, rows
        self._process, _ = _distribution.place()
        dataset = split.dataset if len(rows) == len(split) else split.dataset.select(rows)
        fingerprint = {"fingerprint": dataset._fingerprint}
        self.settings = {**split.settings, **fingerprint, **resize.settings}
        stem = f"{split.name}-{_provenance.key(self.settings)}"
        self.file = split.cache / f"{stem}-images.npy"
        # It is written last: where it exists, the images are complete.
        self.record = split.cache / f"{stem}.json"

    def exists(self) -> bool:
        return self.record.exists()

    def open(self) -> np.ndarray:
        _provenance.claim(
            self.record, self.settings, is_used=True, way_out=f"Remove {self.record}."
        )
        # TensorFlow shares the memory only if it is writable, which nothing makes use of.
        return np.load(self.file, mmap_mode="c")

    def copy(self, source: "_CachedImages") -> None:
        """Copies images that are decoded already."""
        images, places = source.open(), np.searchsorted(source.rows, self.rows)
        target = self._create(images[0])
        for start in range(0, len(places), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            target[chunk] = images[places[chunk]]
        self._complete(target)

    def decode(self, skip_unreadable: bool = False) -> np.ndarray:
        """Decodes the images; returns the rows of unreadable ones, of which there may be none.

        Args:
            skip_unreadable: Whether to skip unreadable images. If there is one, the others become
                the cached images of their own rows.
        """
        # The converter computes with Keras, in which other processes take no part.
        with _distribution.alone():
            images, bad = self._decode(skip_unreadable)
        if images is not None and not bad:
            self._complete(images)
        elif images is not None:
            good = np.setdiff1d(np.arange(len(self.rows)), sorted(bad))
            readable = _CachedImages(self.split, self.resize, self.rows[good])
            target = readable._create(images[0])
            for place, index in enumerate(good):
                target[place] = images[index]
            readable._complete(target)
            self._partial.unlink()
        return self.rows[sorted(bad)]

    def _decode(self, skip_unreadable: bool) -> tuple[np.ndarray | None, set[int]]:
        split, bad = self.split, set()

        def read(index):
            row = self.rows[index]
            try:
                return self.resize(read_image(split.dataset[int(row)][split.image_column]))
            except UnreadableImage as error:
                if not skip_unreadable:
                    raise ValueError(
                        f"{split.where(row)}: {error}. Fix it, or leave out such images with "
                        "--skip-unreadable."
                    ) from None
                bad.add(index)

        count = len(self.rows)
        first = next((image for image in map(read, range(count)) if image is not None), None)
        if first is None:
            return None, bad
        images = self._create(first)

        def decode(index):
            pixels = read(index)
            if pixels is None:
                return
            if pixels.shape != first.shape:
                raise ValueError(
                    f"{split.where(self.rows[index])} must have the size of the first, "
                    f"{first.shape[1]}×{first.shape[0]} pixels, as the preset's converter has no "
                    f"`image_size`. Received: {pixels.shape[1]}×{pixels.shape[0]}"
                )
            images[index] = pixels

        _in_threads(decode, count, "Decoding images")
        return images, bad

    @property
    def _partial(self) -> Path:
        # Several processes may write the same file, each for itself.
        return self.file.with_suffix(f".partial{self._process}.npy")

    def _create(self, image: np.ndarray) -> np.memmap:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        shape = (len(self.rows), *image.shape)
        return np.lib.format.open_memmap(self._partial, "w+", image.dtype, shape)

    def _complete(self, images: np.memmap) -> None:
        images.flush()
        self._partial.rename(self.file)
        _provenance.claim(self.record, self.settings, is_used=False, way_out="")


def _readable_images(split: "Split", resize: Resize) -> _CachedImages | None:
    """All readable images of a split, if they have been decoded."""
    if not _check_file(split).exists():
        return None
    rows = np.setdiff1d(np.arange(len(split)), unreadable_rows(split, resize))
    readable = _CachedImages(split, resize, rows)
    return readable if readable.exists() else None


def _check_file(split: "Split") -> Path:
    return split.cache / f"{split.name}-{_provenance.key(split.settings)}-unreadable.json"


def find_unreadable(split: "Split", rows: np.ndarray) -> np.ndarray:
    """Decodes images, stores nothing, and returns the rows of those that cannot be read."""
    bad = []

    def check(index):
        row = int(rows[index])
        try:
            read_image(split.dataset[row][split.image_column])
        except UnreadableImage:
            bad.append(row)

    _in_threads(check, len(rows), f"Checking {split.name} images")
    return np.array(sorted(bad), "int64")


def _in_threads(function, count: int, description: str) -> None:
    # Decoding and resizing release the interpreter.
    with ThreadPool() as pool:
        done = pool.imap(function, range(count), chunksize=8)
        for _ in tqdm(done, total=count, desc=description, unit=""):
            pass
