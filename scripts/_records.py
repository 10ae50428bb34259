"""Arrays of one shape in a file, which may be larger than memory: written once, then streamed."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import datasets
import numpy as np
import tensorflow as tf
from _data import write_json
from tqdm import tqdm

# What a shuffled stream may keep in memory.
_SHUFFLED_BYTES = 256 << 20


@dataclasses.dataclass(frozen=True)
class Records:
    """A file of uint8 arrays, one behind the other.

    Args:
        file: The file.
        count: How many arrays it has.
        shape: The shape of each.
    """

    file: Path
    count: int
    shape: tuple[int, ...]

    @property
    def array(self) -> np.ndarray:
        """All of them as one array that maps the file."""
        return np.memmap(self.file, "uint8", "r", shape=(self.count, *self.shape))

    def stream(self) -> tf.data.Dataset:
        """One array after the other, read from the file by TensorFlow itself."""
        records = tf.data.FixedLengthRecordDataset(str(self.file), int(np.prod(self.shape)))
        records = records.apply(tf.data.experimental.assert_cardinality(self.count))
        return records.map(lambda x: tf.reshape(tf.io.decode_raw(x, "uint8"), self.shape))


def load_rows(path: str, split: str, cache: Path, **columns: str) -> datasets.Dataset:
    """One split of a dataset, with no columns but some.

    Args:
        path: A local folder or a Hub id, as `datasets.load_dataset` takes it.
        split: The name of the split.
        cache: A folder for the library's own files.
        **columns: What is wanted (`image`, `mask`, `objects`), and the column that has it.

    Raises:
        ValueError: If the split cannot be read, or lacks a column.
    """
    try:
        dataset = datasets.load_dataset(path, split=split, cache_dir=str(cache / "datasets"))
    except ValueError as error:
        raise ValueError(
            f"The split {split!r} of the dataset {path!r} cannot be read: {error}"
        ) from None
    for kind, column in columns.items():
        feature = dataset.features.get(column)
        if feature is None or (
            kind in ("image", "mask") and not isinstance(feature, datasets.Image)
        ):
            raise ValueError(
                f"The dataset {path!r} needs a column {column!r} of {kind}s; name another with "
                f"--{kind}-column. Received: {dataset.features}"
            )
    if not len(dataset):
        raise ValueError(f"The split {split!r} of the dataset {path!r} has no rows.")
    return dataset.select_columns(list(columns.values()))


def shuffled(rows: tf.data.Dataset, count: int, row_bytes: int, seed: int) -> tf.data.Dataset:
    """Endless rows, in a new order each time; those of a large set are mixed as far as fits."""
    buffer = max(1, min(count, _SHUFFLED_BYTES // row_bytes))
    return rows.shuffle(buffer, seed=seed).repeat()


class BadRow(Exception):
    """What a row of a dataset has that nothing can be learnt from, or measured on.

    Args:
        fault: The kind of it, one of those in `FLAGS`.
        detail: What it is in this row.
    """

    def __init__(self, fault: str, detail: str):
        super().__init__(detail)
        self.fault = fault


# What leaves out the rows with each kind of fault.
FLAGS = {
    "images that cannot be read": "--skip-unreadable",
    "boxes of no area or outside of their image": "--skip-bad-boxes",
}
UNREADABLE, BAD_BOXES = FLAGS


@dataclasses.dataclass(frozen=True)
class Written:
    """What `write_records` has written.

    Args:
        files: One file for each array of a row.
        rows: The rows of the dataset that are in them.
        skipped: How many rows are not, by their fault.
    """

    files: list[Records]
    rows: np.ndarray
    skipped: dict[str, int]


def write_records(
    dataset: datasets.Dataset,
    name: str,
    folder: Path,
    decode: Callable[[dict, int], tuple[np.ndarray, ...]],
    skip: Iterable[str] = (),
) -> Written:
    """Decodes every row into arrays of one shape, unless a run before has.

    Args:
        dataset: The rows.
        name: That of the split, for the files and errors.
        folder: Where the files go.
        decode: From a row and its index to uint8 arrays, each of one shape in all rows;
            raises `BadRow`.
        skip: The faults with which a row is left out.

    Raises:
        ValueError: If rows have other faults; the error says how many, and which.
    """
    index = folder / f"{name}.json"
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shapes, faults = _write(dataset, name, folder, decode)
        for fault, details in faults.items():
            if fault not in skip:
                rows = ", ".join(details)
                raise ValueError(
                    f"The split {name!r} has {len(details)} rows with {fault}: {rows:.300}. Mend "
                    f"them, or leave them out with {FLAGS[fault]}. The first: "
                    f"{next(iter(details.values()))}"
                )
        if not shapes:
            raise ValueError(f"The split {name!r} must have rows without faults. Received: none")
        partial = index.with_suffix(".partial")
        write_json(partial, {"shapes": shapes, "skipped": {f: list(d) for f, d in faults.items()}})
        # With it the files count as whole, so it must be whole itself.
        partial.rename(index)
    found = json.loads(index.read_text())
    skipped = {int(row) for rows in found["skipped"].values() for row in rows}
    rows = np.array([row for row in range(len(dataset)) if row not in skipped])
    files = [
        Records(folder / f"{name}-{i}.bin", len(rows), tuple(shape))
        for i, shape in enumerate(found["shapes"])
    ]
    return Written(files, rows, {fault: len(rows) for fault, rows in found["skipped"].items()})


def _write(dataset, name, folder, decode) -> tuple[list[tuple], dict[str, dict[str, str]]]:
    shapes, faults = [], {}
    with contextlib.ExitStack() as stack:
        streams = []
        for index in tqdm(range(len(dataset)), desc=f"Decoding {name} images", unit=""):
            try:
                arrays = decode(_read(dataset, index), index)
            except BadRow as bad:
                faults.setdefault(bad.fault, {})[str(index)] = str(bad)
                continue
            if not streams:
                shapes = [array.shape for array in arrays]
                files = (folder / f"{name}-{i}.bin" for i in range(len(arrays)))
                streams = [stack.enter_context(file.open("wb")) for file in files]
            for stream, array in zip(streams, arrays, strict=True):
                stream.write(array.tobytes())
    return shapes, faults


def _read(dataset, index) -> dict:
    try:
        return dataset[index]
    except (OSError, SyntaxError) as error:
        raise BadRow(UNREADABLE, str(error)) from None
