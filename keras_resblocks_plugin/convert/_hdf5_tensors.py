"""Weights in Keras' h5 files, read one at a time."""

from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from keras_resblocks_plugin.convert._transfer import Tensor
from keras_resblocks_plugin.saving._hdf5 import check_hdf5


class _StoredTensor(NamedTuple):
    file: Path
    name: str
    shape: tuple[int, ...]

    def read(self) -> np.ndarray:
        with h5py.File(self.file, "r") as store:
            return store[self.name][()].astype("float32", copy=False)


def read_hdf5(file: Path) -> dict[str, Tensor]:
    """Reads the shapes of the weights in an h5 file; their values are read later.

    Returns:
        The weights, by their paths in the file.

    Raises:
        ValueError: If the file is damaged.
    """
    return {name: _StoredTensor(file, name, shape) for name, shape in check_hdf5(file).items()}
