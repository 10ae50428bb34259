"""Checks of an HDF5 weights file before Keras reads it."""

from pathlib import Path

import h5py

from keras_resblocks_plugin._utils._advice import ADVICE

# The errors that h5py raises for damaged files.
DAMAGED = (AttributeError, KeyError, OSError, RuntimeError, SystemError, TypeError, ValueError)


def check_hdf5(file: Path) -> dict[str, tuple[int, ...]]:
    """Checks that a file is whole HDF5 and holds all the data that it declares.

    Returns:
        The shape of each dataset in the file, by its path.

    Raises:
        ValueError: If it is not, or if it links to data elsewhere.
    """
    shapes = {}

    # h5py stops at the first answer; an exception would not survive its C code.
    def problem(name: str, link: object) -> str | None:
        if not isinstance(link, h5py.HardLink):
            return f"`{name}` is a link to other data"
        item = store[name]
        if not isinstance(item, h5py.Dataset):
            return None
        # Keras stores tensors as they are: no compression, nothing outside the file.
        if item.external or item.is_virtual or item.nbytes > item.id.get_storage_size():
            return f"`{name}` claims {item.nbytes} bytes that are not in the file"
        shapes[name] = item.shape
        return None

    try:
        with h5py.File(file, "r") as store:
            found = store.visititems_links(problem)
    except DAMAGED as error:
        found = error
    if found:
        raise ValueError(f"`{file}` is not a whole, plain HDF5 file. {ADVICE} Received: {found}")
    return shapes
