"""Weights files and indexes that are not what their name says."""

import json
import pickle
import struct
import tracemalloc

import h5py
import numpy as np
import pytest

from keras_resblocks_plugin._utils._safetensors import read_header
from keras_resblocks_plugin.saving import _weights as weights
from keras_resblocks_plugin.saving._folder_files import FolderFiles
from tests.helpers import values
from tests.tiny import assert_refused, tiny_backbone


@pytest.fixture(scope="module")
def backbone():
    return tiny_backbone()


@pytest.fixture
def folder(backbone, tmp_path):
    weights.save_weights(backbone, tmp_path)
    return tmp_path


def assert_load_refused(backbone, folder, *parts):
    """One error that names what it should, nothing assigned, nothing written, little memory."""
    before = values(backbone)
    tracemalloc.start()
    assert_refused(
        lambda: weights.load_weights(backbone, FolderFiles(folder).weights()), *parts, folder=folder
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
    after = values(backbone)
    assert all(np.array_equal(before[path], after[path]) for path in before)


def packed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape=(2,), offsets=(0, 8), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


TERA = 1 << 40

BAD_FILES = {
    "empty": b"",
    "seven bytes": b"1234567",
    "zero header": struct.pack("<Q", 0),
    "giant header in a small file": struct.pack("<Q", 1 << 62) + b"{}",
    "header past the end": struct.pack("<Q", 50) + b"{}",
    "no JSON": packed(b"not JSON at all"),
    "no UTF-8": packed(b'{"\xff\xfe": 1}'),
    "nested without end": packed(b"[" * 100_000),
    "a list": packed([1, 2]),
    "an entry that is no object": packed({"a": 3}),
    "no dtype": packed({"a": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
    "unknown dtype": packed({"a": entry(dtype="F4096")}, bytes(8)),
    "integers": packed({"a": entry(dtype="I32")}, bytes(8)),
    "negative side": packed({"a": entry(shape=(-2, -1))}, bytes(8)),
    "side of text": packed({"a": entry(shape=("2",))}, bytes(8)),
    "side of true": packed({"a": entry(shape=(True, 2))}, bytes(8)),
    "huge tensor": packed({"a": entry((TERA, TERA), (0, 4 * TERA * TERA))}, bytes(8)),
    "sides that wrap around": packed({"a": entry((1 << 32, 1 << 32), (0, 0))}),
    "offsets backwards": packed({"a": entry(offsets=(8, 0))}, bytes(8)),
    "offsets that are no numbers": packed({"a": entry(offsets=("0", "8"))}, bytes(8)),
    "three offsets": packed({"a": entry(offsets=(0, 4, 8))}, bytes(8)),
    "overlapping": packed({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
    "the same bytes twice": packed({"a": entry(), "b": entry()}, bytes(8)),
    "gap": packed({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20)),
    "bytes left over": packed({"a": entry()}, bytes(12)),
    "bytes missing": packed({"a": entry()}, bytes(4)),
    "a pickle": pickle.dumps({"a": np.zeros(100)}),
}


@pytest.mark.parametrize("data", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_is_no_whole_safetensors_file(backbone, folder, data):
    (folder / "model.safetensors").write_bytes(data)
    assert_load_refused(backbone, folder, f"`{folder / 'model.safetensors'}`", "again")


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.999])
def test_a_truncated_file(backbone, folder, keep):
    file = folder / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data))])
    assert_load_refused(backbone, folder, f"`{file}`", "again")


def test_an_h5_file_in_place_of_a_safetensors_file(backbone, folder):
    with h5py.File(folder / "model.safetensors", "w") as store:
        store["a"] = np.zeros(1000)
    assert_load_refused(backbone, folder, f"`{folder / 'model.safetensors'}`", "again")


def test_a_file_that_shrinks_while_it_is_read(folder):
    file = folder / "model.safetensors"
    tensor = max(read_header(file).tensors.values(), key=lambda tensor: tensor.offset)
    file.write_bytes(file.read_bytes()[:-4])
    assert_refused(tensor.read, f"`{file}` became shorter")


BAD_NAMES = [
    "../model.safetensors",
    "/etc/model.safetensors",
    "..\\model.safetensors",
    "C:\\model.safetensors",
    "sub/model.safetensors",
    "./model.safetensors",
    "..",
    "",
    3,
    None,
    True,
    ["model.safetensors"],
    {"a": "model.safetensors"},
    "model.weights.h5",
    "model.bin",
    "absent.safetensors",
    "a\0b.safetensors",
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_an_index_that_names_what_it_may_not(backbone, folder, name):
    # What it names exists: it is the name that is refused.
    (folder.parent / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    file = folder / "model.weights.json"
    index = json.loads(file.read_text())
    index["weight_map"]["stem0_conv/kernel"] = name
    file.write_text(json.dumps(index))
    assert_load_refused(backbone, folder, f"{file.name}", str(folder))


BAD_INDEXES = ["", "{", "[]", "3", '"text"', "{}", '{"weight_map": []}', "[" * 100_000, "\xff\xfe"]


@pytest.mark.parametrize("text", BAD_INDEXES, ids=lambda text: repr(text[:20]))
def test_an_index_that_is_none(backbone, folder, text):
    (folder / "model.weights.json").write_bytes(text.encode("latin-1"))
    word = "weight_map" if text.startswith("{") and text.endswith("}") else "JSON"
    assert_load_refused(backbone, folder, f"`{folder / 'model.weights.json'}`", word)


def test_an_index_that_lists_other_weights_than_its_files(backbone, folder):
    file = folder / "model.weights.json"
    index = json.loads(file.read_text())
    del index["weight_map"]["stem0_conv/kernel"]
    index["weight_map"]["extra/kernel"] = "model.safetensors"
    file.write_text(json.dumps(index))
    assert_load_refused(
        backbone,
        folder,
        "model.weights.json",
        "Missing: extra/kernel. Unexpected: stem0_conv/kernel",
    )
