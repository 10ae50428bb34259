"""The digest that ties a task's head to the backbone's weights that it was saved with."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from keras_resblocks_plugin._utils._advice import ADVICE
from keras_resblocks_plugin.saving._hdf5 import DAMAGED

_ATTRIBUTE = "backbone_sha256"


@dataclass(frozen=True)
class SavedHead:
    """A head whose file names the weights of its backbone by a digest.

    Args:
        file: The path of `task.weights.h5`.
        digest: The digest of the backbone's weights.
    """

    file: Path
    digest: str

    def check_backbone(self, weights_file: Path, digest: str | None) -> None:
        """Checks that a preset's weights are those that the head was saved with.

        Args:
            weights_file: The file of the weights.
            digest: Their digest in the file. Earlier versions wrote none; then the check
                passes.

        Raises:
            ValueError: If they are not.
        """
        if digest is None or digest == self.digest or not self._is_beside(weights_file):
            return
        raise ValueError(
            f"`{self.file}` was saved with other weights than those in `{weights_file}`, so the "
            "head does not fit the backbone, which was not loaded. If the preset was saved or "
            "pushed at this moment, load it again. Otherwise save the whole task again, or "
            "give `num_classes` for a new head."
        )

    def _is_beside(self, file: Path) -> bool:
        # In the Hub's cache each commit of a repository has a folder of its own, and KerasHub
        # may find a later commit for the second file than for the first.
        left, right = self.file.absolute().parent, file.absolute().parent
        return left == right or (left.parent.name == "snapshots" and left.parent == right.parent)


def read_head(file: Path) -> SavedHead | None:
    """Reads the digest in a head's file; returns `None` if there is none.

    Args:
        file: The path of `task.weights.h5`, which `check_hdf5` has checked.

    Raises:
        ValueError: If the attribute is not a digest.
    """
    try:
        with h5py.File(file, "r") as store:
            digest = store.attrs.get(_ATTRIBUTE)
        return None if digest is None else SavedHead(file, digest.decode("ascii"))
    except DAMAGED as error:
        raise ValueError(
            f"The attribute `{_ATTRIBUTE}` of `{file}` must be a digest, as bytes. {ADVICE} "
            f"Received: {error!r}"
        ) from None


def write_digest(file: Path, digest: str) -> None:
    """Writes the digest of the backbone's weights into a head's file."""
    with h5py.File(file, "r+") as store:
        # Of a fixed length: HDF5 gives others 4 KB.
        store.attrs[_ATTRIBUTE] = np.bytes_(digest)
