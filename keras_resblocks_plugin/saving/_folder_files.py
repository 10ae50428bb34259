"""The files of a preset folder, each read at most once."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin._utils._safetensors import StoredFile, read_header
from keras_resblocks_plugin.saving._hdf5 import check_hdf5
from keras_resblocks_plugin.saving._head import SavedHead, read_head
from keras_resblocks_plugin.saving._preset_files import INDEX_FILE, TASK_WEIGHTS_FILE
from keras_resblocks_plugin.saving._stored_weights import StoredWeights, checked_weight_map

Value = TypeVar("Value")


class FolderFiles:
    """The files of a folder, parsed when they are first asked for, and kept.

    It shows the folder as it was when each file was read. Open the folder again to see a later
    save.

    Args:
        path: The folder.

    Attributes:
        path: The folder, as a `Path`.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._read = {}

    def has(self, name: str) -> bool:
        """Tells whether the folder has a file of this name."""
        return (self.path / name).exists()

    def json(self, name: str) -> dict[str, Any]:
        """The JSON object in a file. The caller must not change it.

        Raises:
            ValueError: If the file is missing or is not JSON.
        """
        return self._once(("json", name), lambda: read_json(self.path / name))

    def json_copy(self, name: str) -> dict[str, Any] | None:
        """A copy of the JSON object in a file; `None` if there is no such file."""
        return copy.deepcopy(self.json(name)) if self.has(name) else None

    def header(self, name: str) -> StoredFile:
        """The header of a safetensors file.

        Raises:
            ValueError: If the file is not a whole safetensors file.
        """
        return self._once(("header", name), lambda: read_header(self.path / name))

    def hdf5_shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        """The shapes of the datasets of an HDF5 file, by their paths.

        Raises:
            ValueError: If the file is not a whole, plain HDF5 file.
        """
        return self._once(("hdf5", name), lambda: check_hdf5(self.path / name))

    def head(self, name: str = TASK_WEIGHTS_FILE) -> SavedHead | None:
        """The digest of the backbone in a head's file; `None` if there is none.

        Raises:
            ValueError: If the file is damaged.
        """
        self.hdf5_shapes(name)
        return self._once(("head", name), lambda: read_head(self.path / name))

    def weights(self, index: str = INDEX_FILE) -> StoredWeights:
        """The weights files that an index lists.

        Raises:
            ValueError: If the index or one of the files is damaged.
        """
        weight_map = checked_weight_map(self.path / index, self.json(index))
        files = {self.path / name: self.header(name) for name in sorted(set(weight_map.values()))}
        return StoredWeights(self.path / index, weight_map, files)

    def set_json(self, name: str, value: dict[str, Any], text: str) -> None:
        """Writes a JSON file and keeps its value, so that it need not be read."""
        (self.path / name).write_text(text)
        self._read["json", name] = value

    def forget(self, name: str) -> None:
        """Reads a file again when it is next asked for, since it was written."""
        self._read = {key: value for key, value in self._read.items() if key[1] != name}

    def at(self, path: str | Path) -> "FolderFiles":
        """The same files in another folder, to which they were copied or moved.

        JSON files and headers that were read here are not read again there.
        """
        moved = type(self)(path)
        for (kind, name), value in self._read.items():
            if kind == "json":
                moved._read[kind, name] = value
            elif kind == "header":
                moved._read[kind, name] = value.at(moved.path / name)
        return moved

    def _once(self, key: tuple[str, str], read: Callable[[], Value]) -> Value:
        if key not in self._read:
            self._read[key] = read()
        return self._read[key]
