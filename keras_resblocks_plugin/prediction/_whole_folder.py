"""Folders of images alone, which have no splits.

`datasets` takes a file `test 1.jpg` for the split `test`, and leaves out all others. It also
searches the folder for a hundred patterns of splits, which takes minutes where it is large.
"""

import os
import re

import datasets
from PIL import Image

# The names that `datasets` takes for splits.
_SPLIT = re.compile(
    r"(^|[-._ 0-9])(train|training|validation|valid|val|dev|test|testing|eval|evaluation)"
    r"($|[-._ 0-9])"
)


def is_whole(folder: str) -> bool:
    """Returns whether a path is a folder that has only images and no subfolder of a split."""
    Image.init()
    found = False
    for _, folders, files in os.walk(folder):
        visible = [file for file in files if not file.startswith(".")]
        kinds = {os.path.splitext(file)[1].lower() for file in visible}
        if not kinds <= Image.EXTENSION.keys() or any(map(_SPLIT.search, folders)):
            return False
        found = found or bool(visible)
    return found


def load_whole(folder: str, cache_dir: str | None) -> datasets.Dataset:
    """Loads all images of a folder."""
    return datasets.load_dataset(folder, data_files="**", split="train", cache_dir=cache_dir)
