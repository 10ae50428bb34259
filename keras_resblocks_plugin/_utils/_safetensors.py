"""Safetensors files, whose headers are checked before anything is allocated."""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

from keras_resblocks_plugin._utils._advice import ADVICE
from keras_resblocks_plugin._utils._json import parse_json
from keras_resblocks_plugin._utils._memory import empty_array

DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
}
# The reference implementation's limit: no honest header is longer.
_MAX_HEADER_BYTES = 100_000_000


class StoredTensor(NamedTuple):
    """The place of a tensor in a safetensors file."""

    file: Path
    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        # Python's own integers: a product of hostile sides must not wrap around.
        return self.dtype.itemsize * math.prod(self.shape)

    def read(self, dtype: str = "float32") -> np.ndarray:
        """Reads the values, as float64 if `dtype` is `"float64"`, otherwise as float32."""
        dtype = "float64" if dtype == "float64" else "float32"
        # Not memory-mapped: a change of the file would change the weights.
        stored = empty_array(self.shape, self.dtype)
        with self.file.open("rb", buffering=0) as stream:
            stream.seek(self.offset)
            if stream.readinto(stored.reshape(-1).view("uint8")) != self.nbytes:
                raise ValueError(f"`{self.file}` became shorter while it was read. Load it again.")
        if self.dtype == dtype:
            return stored
        array = empty_array(self.shape, dtype)
        array[...] = stored
        return array


class StoredFile(NamedTuple):
    """The header of a safetensors file: its tensors by name, and its metadata."""

    tensors: dict[str, StoredTensor]
    metadata: dict[str, str]

    def at(self, file: Path) -> "StoredFile":
        """The header of a copy of the file."""
        tensors = {name: tensor._replace(file=file) for name, tensor in self.tensors.items()}
        return self._replace(tensors=tensors)


def write_file(file: Path, arrays: Mapping[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes a safetensors file with the permissions of any other new file.

    Equal arrays and metadata give equal files.
    """
    # `save_file()` creates files that only their owner can read, regardless of the umask.
    file.touch()
    mode = file.stat().st_mode
    # Not `ascontiguousarray`, which turns scalars into vectors.
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    save_file(arrays, file, metadata=metadata)
    _sort_metadata(file, metadata)
    file.chmod(mode)


def _sort_metadata(file: Path, metadata: dict[str, str]) -> None:
    # `save_file()` writes the entries in random order. The header begins with them.
    options = {"ensure_ascii": False, "separators": (",", ":")}
    text = json.dumps({"__metadata__": dict(sorted(metadata.items()))}, **options)[:-1].encode()
    with file.open("r+b") as stream:
        stream.seek(8)
        written = stream.read(len(text))
        if sorted(written) != sorted(text):
            raise RuntimeError(f"The header of `{file}` must begin with its metadata: {text!r}.")
        stream.seek(8)
        stream.write(text)


def read_header(file: Path, dtypes: Mapping[str, type] = DTYPES) -> StoredFile:
    """Reads the header of a safetensors file and checks it against the file's real size.

    Args:
        file: Path of the file.
        dtypes: The dtypes that its tensors may have, by the format's names.

    Raises:
        ValueError: If the file is not a safetensors file, is truncated, or has an invalid header.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(size - 8, _MAX_HEADER_BYTES):
            raise ValueError(
                f"`{file}` is not a whole safetensors file: its header would have {length} "
                f"bytes, the file has {size}. {ADVICE}"
            )
        text = stream.read(length)
    try:
        header = parse_json(text, file)
        metadata = header.pop("__metadata__", None)
        tensors = {name: _stored(file, entry, 8 + length, dtypes) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"`{file}` has a broken safetensors header. {ADVICE} Received: {error!r}"
        ) from None
    # The format has no gaps and no overlaps: each tensor begins where the one before ends.
    ordered = sorted(tensors.values(), key=lambda tensor: (tensor.offset, tensor.nbytes))
    ends = [8 + length, *(tensor.offset + tensor.nbytes for tensor in ordered)]
    if [*(tensor.offset for tensor in ordered), size] != ends:
        raise ValueError(
            f"`{file}` is truncated or damaged: its tensors do not fill its {size} bytes without "
            f"gap or overlap up to byte {max(ends)}. {ADVICE}"
        )
    return StoredFile(tensors, metadata if isinstance(metadata, dict) else {})


def _stored(file: Path, entry: dict, data_start: int, dtypes: Mapping) -> StoredTensor:
    dtype = dtypes.get(entry["dtype"])
    if dtype is None:
        raise ValueError(f"dtype {entry['dtype']!r} must be one of {', '.join(dtypes)}")
    if not all(type(side) is int and side >= 0 for side in entry["shape"]):
        raise ValueError(f"shape {entry['shape']} is not a shape")
    begin, end = entry["data_offsets"]
    tensor = StoredTensor(file, np.dtype(dtype), tuple(entry["shape"]), data_start + begin)
    if type(begin) is not int or begin < 0 or end - begin != tensor.nbytes:
        raise ValueError(f"data_offsets {begin}, {end} do not fit shape {tensor.shape}")
    return tensor
