"""Checks of an HDF5 weights file before Keras reads it."""

from pathlib import Path

import h5py


def check_hdf5(file: Path) -> None:
    """Checks that a file is HDF5, whole, and holds what it claims to hold.

    Raises:
        ValueError: If it is not, or if it links to data elsewhere.
    """
    size = file.stat().st_size
    try:
        with h5py.File(file, "r") as store:

            def check(name: str, link: object) -> None:
                if not isinstance(link, h5py.HardLink):
                    raise ValueError(f"`{name}` is a link to other data")
                item = store[name]
                # Keras stores tensors as they are: no compression, nothing outside the file.
                if isinstance(item, h5py.Dataset) and item.nbytes > item.id.get_storage_size():
                    raise ValueError(f"`{name}` claims {item.nbytes} bytes that are not there")

            store.visititems_links(check)
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"`{file}` ({size} bytes) is not a whole, plain HDF5 file. Download or save the "
            f"preset again. Received: {error}"
        ) from None
