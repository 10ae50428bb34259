"""Safetensors files: headers are checked before anything is allocated."""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

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
    """Where a tensor lies in a safetensors file."""

    file: Path
    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        # Python's own integers: a product of hostile sides must not wrap around.
        return self.dtype.itemsize * math.prod(self.shape)

    def read(self, dtype: str = "float32") -> np.ndarray:
        """The values as float64, where that is asked for, or else as float32."""
        dtype = "float64" if dtype == "float64" else "float32"
        # Not memory-mapped: whoever changed the file would change the weights.
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


def write_file(file: Path, arrays: Mapping[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes a safetensors file, readable by whom other new files are.

    Equal arrays and metadata give equal files.
    """
    # `save_file()` makes files that only their owner can read, whatever the user's umask says.
    file.touch()
    mode = file.stat().st_mode
    # Not `ascontiguousarray`, which makes vectors of scalars.
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    save_file(arrays, file, metadata=metadata)
    _sort_metadata(file)
    file.chmod(mode)


def _sort_metadata(file: Path) -> None:
    # `save_file()` writes the metadata in an order of chance.
    with file.open("r+b") as stream:
        length = struct.unpack("<Q", stream.read(8))[0]
        header = json.loads(stream.read(length))
        if header.get("__metadata__"):
            header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        stream.seek(8)
        stream.write(text.ljust(length))


def read_metadata(file: Path) -> dict[str, str]:
    """The metadata in the header of a file that `read_header` has checked."""
    with file.open("rb") as stream:
        length = struct.unpack("<Q", stream.read(8))[0]
        metadata = parse_json(stream.read(length), file).get("__metadata__", {})
    return metadata if isinstance(metadata, dict) else {}


def read_header(file: Path, dtypes: Mapping[str, type] = DTYPES) -> dict[str, StoredTensor]:
    """The tensors of a safetensors file by name, checked against the file's real size.

    Args:
        file: The path of the file.
        dtypes: What its tensors may be, by the format's names.

    Raises:
        ValueError: If the file is no safetensors file, is truncated, or its header claims
            what cannot be.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(size - 8, _MAX_HEADER_BYTES):
            raise ValueError(
                f"`{file}` is not a whole safetensors file: its header would have {length} "
                f"bytes, the file has {size}. Download or save the preset again."
            )
        text = stream.read(length)
    try:
        header = parse_json(text, file)
        header.pop("__metadata__", None)
        tensors = {name: _stored(file, entry, 8 + length, dtypes) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"`{file}` has a broken safetensors header. Download or save the preset again. "
            f"Received: {error!r}"
        ) from None
    # The format has no gaps and no overlaps: each tensor begins where the one before ends.
    ordered = sorted(tensors.values(), key=lambda tensor: (tensor.offset, tensor.nbytes))
    ends = [8 + length, *(tensor.offset + tensor.nbytes for tensor in ordered)]
    if [*(tensor.offset for tensor in ordered), size] != ends:
        raise ValueError(
            f"`{file}` is truncated or damaged: its tensors do not fill its {size} bytes without "
            f"gap or overlap up to byte {max(ends)}. Download or save the preset again."
        )
    return tensors


def _stored(file: Path, entry: dict, data_start: int, dtypes: Mapping) -> StoredTensor:
    dtype = dtypes.get(entry["dtype"])
    if dtype is None:
        raise ValueError(f"dtype {entry['dtype']!r} is none of {', '.join(dtypes)}")
    if not all(type(side) is int and side >= 0 for side in entry["shape"]):
        raise ValueError(f"shape {entry['shape']} is not a shape")
    begin, end = entry["data_offsets"]
    tensor = StoredTensor(file, np.dtype(dtype), tuple(entry["shape"]), data_start + begin)
    if type(begin) is not int or begin < 0 or end - begin != tensor.nbytes:
        raise ValueError(f"data_offsets {begin}, {end} do not fit shape {tensor.shape}")
    return tensor
