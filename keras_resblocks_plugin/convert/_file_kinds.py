"""Kinds of files by their first bytes, for errors about files that hold no PyTorch weights."""

import zipfile
from pathlib import Path

_HDF5 = (
    "is an HDF5 file. If Keras saved it, convert it with `krp.convert.from_keras_applications()` "
    "or `krp.convert.from_mlperf_tiny()`."
)
_TENSORFLOW = (
    "is part of a TensorFlow checkpoint, which is not read. Load it into its Keras model, and "
    "convert the model."
)
_LFS = (
    "is a pointer of Git LFS in place of the weights. Run `git lfs pull`, or download the file "
    "itself."
)
_WEB_PAGE = "is a web page in place of the weights. Download the file itself."
_ONNX = "is an ONNX model, which is not read. Convert the weights that it was exported from."
_FLAX = "is a msgpack file as Flax saves it, which is not read. Save the weights as safetensors."
_SAFETENSORS = "is a safetensors file. Rename it so that its name ends in `.safetensors`."

# The first bytes → what a file with them is.
_BEGINNINGS = {
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"version https://git-lfs": _LFS,
    b"<!doctype html": _WEB_PAGE,
    b"<html": _WEB_PAGE,
    b"model_checkpoint_path:": _TENSORFLOW,
    b"\x1f\x8b": "is compressed with gzip. Unpack it first.",
    b"GGUF": "is a GGUF file, which is not read.",
    b"\x93NUMPY": "is an array of NumPy, which has no names of weights.",
}
# The last bytes of the index of a TensorFlow checkpoint, and of version 1 of the whole.
_TABLE_END = bytes.fromhex("57fb808b247547db")
# Formats without a mark of their own, by the names of their files.
_SUFFIXES = {".onnx": _ONNX, ".msgpack": _FLAX, ".index": _TENSORFLOW}


def refuse_other_kinds(file: Path, but_safetensors: bool = False) -> None:
    """Checks that a file may be a PyTorch checkpoint, or a safetensors file.

    Args:
        file: The file.
        but_safetensors: Whether it must be a safetensors file by its name.

    Raises:
        ValueError: If it is another kind of file; the error names it.
    """
    kind = _kind(file)
    if kind and not (but_safetensors and kind == _SAFETENSORS):
        raise ValueError(f"`{file}` {kind}")


def _kind(file: Path) -> str | None:
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(32)
        stream.seek(max(0, size - len(_TABLE_END)))
        end = stream.read()
    if not start:
        return "is empty. Download it again."
    for beginning, kind in _BEGINNINGS.items():
        if start.lower().startswith(beginning.lower()):
            return kind
    if start[4:8] == b"TFL3":
        return "is a LiteRT model, which is not read. Convert the weights that it was made from."
    if end == _TABLE_END or ".data-0" in file.name:
        return _TENSORFLOW
    if start[8:10] == b'{"' and 0 < int.from_bytes(start[:8], "little") < size:
        return _SAFETENSORS
    if start.startswith(b"PK\x03\x04"):
        return _zip_kind(file)
    return _SUFFIXES.get(file.suffix.lower())


def _zip_kind(file: Path) -> str | None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return "is truncated or damaged: it begins as a zip file and has no end. Download it again."
    if any(name.endswith("data.pkl") for name in names):
        return None
    if "model.weights.h5" in names:
        return "is a model that Keras saved. Load it with `keras.saving.load_model()`."
    return f"is a zip file and not a PyTorch checkpoint. It contains {', '.join(names[:5])}."
