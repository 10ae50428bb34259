"""Decoding of images into one array on the disk."""

from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image
from keras_resblocks_plugin.training.data._resizing import Resize


def write_images(
    split: Any, rows: np.ndarray, resize: Resize, file: Path, skip_unreadable: bool
) -> np.ndarray:
    """Decodes images into an array in a file, `(count, height, width, 3)`.

    Args:
        split: The split of a dataset.
        rows: The rows to decode.
        resize: The resizing of each image.
        file: The file to write, at once when it is complete.
        skip_unreadable: Whether to leave images black that cannot be read.

    Returns:
        The positions in `rows` of the images that cannot be read.

    Raises:
        ValueError: If an image cannot be read and `skip_unreadable` is not set, or if images
            have several sizes after resizing.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial.npy")
    unreadable = []

    def read(index):
        try:
            return resize(read_image(split.dataset[int(rows[index])][split.image_column]))
        except UnreadableImage as error:
            if skip_unreadable:
                unreadable.append(index)
                return None
            raise ValueError(
                f"{split.where(rows[index])}: {error}. Mend it, or leave out such images with "
                "--skip-unreadable."
            ) from None

    # The first image that can be read has the size of all.
    decoded = ((index, read(index)) for index in range(len(rows)))
    nothing = len(rows), np.zeros((1, 1, 3), "uint8")
    start, first = next((pair for pair in decoded if pair[1] is not None), nothing)
    images = np.lib.format.open_memmap(partial, "w+", first.dtype, (len(rows), *first.shape))
    if start < len(rows):
        images[start] = first

    def decode(index):
        pixels = read(index)
        if pixels is None:
            return
        if pixels.shape != first.shape:
            raise ValueError(
                f"{split.where(rows[index])} must have the size of the first, "
                f"{first.shape[1]}×{first.shape[0]} pixels, as the preset's converter has no "
                f"`image_size`. Received: {pixels.shape[1]}×{pixels.shape[0]}"
            )
        images[index] = pixels

    # Decoding and resizing release the interpreter.
    with ThreadPool() as pool:
        done = pool.imap(decode, range(start + 1, len(rows)), chunksize=8)
        for _ in tqdm(done, total=len(rows) - start - 1, desc="Decoding images", unit=""):
            pass
    images.flush()
    partial.rename(file)
    return np.sort(np.array(unreadable, "int64"))
