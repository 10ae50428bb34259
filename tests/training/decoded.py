"""Decoded splits for tests."""

from pathlib import Path

from keras_resblocks_plugin.training.data._labelled_images import ImageSet, open_split
from keras_resblocks_plugin.training.data._resizing import Resize


def load_images(path: str, split: str, resize: Resize, cache: Path, *columns: str) -> ImageSet:
    """Opens and decodes a whole split, see `open_split` and `Split.decode`."""
    return open_split(path, split, cache, *columns).decode(resize)
