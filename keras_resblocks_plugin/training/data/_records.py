"""Files of arrays of one shape, decoded once. They may be larger than memory."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from tqdm import tqdm

from keras_resblocks_plugin.training import _provenance
from keras_resblocks_plugin.training.data._rows import FLAGS, BadRow


@dataclasses.dataclass(frozen=True)
class Records:
    """A file of uint8 arrays, one after the other.

    Args:
        file: The file.
        count: The number of arrays.
        shape: The shape of each array.
    """

    file: Path
    count: int
    shape: tuple[int, ...]

    @property
    def array(self) -> np.ndarray:
        """All arrays as one, which maps the file."""
        return np.memmap(self.file, "uint8", "r", shape=(self.count, *self.shape))


@dataclasses.dataclass(frozen=True)
class Written:
    """The files that `write_records` has written.

    Args:
        files: One file for each array of a row.
        rows: The rows of the dataset that the files have.
        settings: The settings that made them.
        skipped: The number of rows left out, by their fault.
    """

    files: list[Records]
    rows: np.ndarray
    settings: dict[str, Any]
    skipped: dict[str, int]


def write_records(
    dataset: datasets.Dataset,
    name: str,
    folder: Path,
    decode: Callable[[dict, int], tuple[np.ndarray, ...]],
    settings: Mapping[str, Any],
    skip: Iterable[str],
) -> Written:
    """Decodes every row into arrays of one shape, unless the folder has them already.

    Args:
        dataset: The rows.
        name: The name of the split, for errors.
        folder: The folder of the files.
        decode: A function from a row and its index to uint8 arrays, each of one shape in all
            rows. It raises `BadRow`.
        settings: The settings that `decode` depends on, such as the columns.
        skip: The faults of rows to leave out.

    Raises:
        ValueError: If rows have other faults. The error has their number and indices.
    """
    settings = {
        **{"split": name, "fingerprint": dataset._fingerprint, "rows": len(dataset)},
        **settings,
    }
    stem = f"{name}-{_provenance.key(settings)}"
    index = folder / f"{stem}.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shapes, faults = _write(dataset, name, folder / stem, decode)
        # It is written last: if it exists, the files are complete.
        _provenance.write_result(index, {"shapes": shapes, "faults": faults}, settings)
    found = _provenance.read_result(index, settings, way_out=f"Remove {index}.")
    for fault, details in found["faults"].items():
        if fault not in skip:
            raise ValueError(
                f"The split {name!r} has {len(details)} rows with {fault}: "
                f"{', '.join(details):.300}. Fix them, or leave them out with {FLAGS[fault]}. "
                f"The first: {next(iter(details.values()))}"
            )
    if not found["shapes"]:
        raise ValueError(f"The split {name!r} must have rows without faults. Received: none")
    skipped = {int(row) for details in found["faults"].values() for row in details}
    rows = np.array([row for row in range(len(dataset)) if row not in skipped])
    files = [
        Records(_file(folder / stem, i), len(rows), tuple(shape))
        for i, shape in enumerate(found["shapes"])
    ]
    return Written(files, rows, settings, {fault: len(d) for fault, d in found["faults"].items()})


def _write(dataset, name, stem, decode) -> tuple[list[tuple], dict[str, dict[str, str]]]:
    shapes, faults = [], {}
    with contextlib.ExitStack() as stack:
        streams = []
        for index in tqdm(range(len(dataset)), desc=f"Decoding {name} images", unit=""):
            try:
                arrays = decode(dataset[index], index)
            except BadRow as bad:
                faults.setdefault(bad.fault, {})[str(index)] = str(bad)
                continue
            if not streams:
                shapes = [array.shape for array in arrays]
                files = (_file(stem, i).open("wb") for i in range(len(arrays)))
                streams = [stack.enter_context(file) for file in files]
            for stream, array in zip(streams, arrays, strict=True):
                stream.write(array.tobytes())
    return shapes, faults


def _file(stem: Path, number: int) -> Path:
    return stem.with_name(f"{stem.name}-{number}.bin")
