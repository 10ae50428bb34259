"""Random changes to a preset folder, most of them harmful."""

import json
import os
import random
import shutil
import struct
from pathlib import Path
from typing import Any

import h5py

Rng = random.Random

_STRINGS = ("", "../../.bashrc", "/etc/passwd", "a/b", "NaN", "keras", "os", "relu", "x" * 5000)
_WORDS = ("channels_first", "float16", "bicubic", "max", "pad", "projection", "preact", "batch")
_NUMBERS = (0, -1, 1, 2, 3, 7, 2**31, 2**63, 2**64, 10**30, -(2**40), 0.5, 1.0, 1e300, -0.1)
_OBJECTS = (
    {"module": "keras.layers", "class_name": "Lambda", "config": {}, "registered_name": None},
    {"module": "os", "class_name": "system", "config": {}, "registered_name": None},
    {"class_name": "__lambda__", "config": {"value": "4wEA"}},
    {"module": "builtins", "class_name": "function", "config": "threshold"},
    {"class_name": "__numpy__", "config": {"value": [1], "dtype": "float32"}},
)


def copy_mutant(preset: Path, folder: Path, seed: int) -> str:
    """Copies a preset with the change of this seed, and returns its description."""
    shutil.copytree(preset, folder)
    rng = random.Random(seed)
    change = rng.choice(_CHANGES)
    return f"{change.__name__.strip('_')}: {change(folder, rng)}"


def _files(folder: Path, *suffixes: str) -> list[Path]:
    files = (path for path in sorted(folder.iterdir()) if path.is_file())
    return [path for path in files if not suffixes or path.suffix in suffixes]


def _truncate(folder: Path, rng: Rng) -> str:
    file = rng.choice(_files(folder, ".json", ".h5", ".safetensors"))
    size = rng.choice([0, rng.randrange(file.stat().st_size), file.stat().st_size - 1])
    os.truncate(file, size)
    return f"{file.name} to {size}"


def _flip(folder: Path, rng: Rng) -> str:
    file = rng.choice(_files(folder, ".json", ".h5", ".safetensors"))
    content = bytearray(file.read_bytes())
    # Half of the flips are in the first 4 KB, where the headers are.
    most = rng.choice([len(content), min(len(content), 4096)])
    places = [rng.randrange(most) for _ in range(rng.choice([1, 1, 3, 16]))]
    for place in places:
        content[place] ^= 1 << rng.randrange(8)
    file.write_bytes(content)
    return f"{file.name} at {places}"


def _swap(folder: Path, rng: Rng) -> str:
    left, right = rng.sample(_files(folder), 2)
    left_content, right_content = left.read_bytes(), right.read_bytes()
    left.write_bytes(right_content)
    right.write_bytes(left_content)
    return f"{left.name} and {right.name}"


def _remove(folder: Path, rng: Rng) -> str:
    file = rng.choice(_files(folder))
    file.unlink()
    return file.name


def _replace(folder: Path, rng: Rng) -> str:
    file = rng.choice(_files(folder))
    hostile = [b"[" * 100_000, b'{"a":' * 5000, b"[1," * 300_000, b"[" + b"[]," * 2_000_000]
    content = rng.choice([b"", b"\0" * 100, b"3", *hostile])
    file.write_bytes(content)
    return f"{file.name} by {content[:10]!r}"


def _encode(folder: Path, rng: Rng) -> str:
    file = rng.choice(_files(folder, ".json"))
    encoding = rng.choice(["utf-16", "utf-32", "utf-8-sig", "cp037"])
    file.write_bytes(file.read_text().encode(encoding))
    return f"{file.name} in {encoding}"


def _link(folder: Path, rng: Rng) -> str:
    file = rng.choice(_files(folder))
    target = rng.choice(["/etc/passwd", "/dev/zero", "nowhere", file.name, "..", "/"])
    file.unlink()
    file.symlink_to(target)
    return f"{file.name} to {target}"


def _add(folder: Path, rng: Rng) -> str:
    names = "a.py b.h5 c.pkl model.weights.h5 x/y.safetensors .hidden a.txt README.md samples/1.png"
    file = folder / rng.choice(names.split())
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(rng.choice([b"", b"anything", b"\x89HDF\r\n\x1a\n"]))
    return str(file.relative_to(folder))


def _reformat(folder: Path, rng: Rng) -> str:
    file = rng.choice(_files(folder, ".json"))
    value = json.loads(file.read_text())
    file.write_text(json.dumps(value, indent=rng.choice([None, 1]), sort_keys=rng.random() < 0.5))
    return file.name


def _edit(folder: Path, rng: Rng) -> str:
    """Edits a value of a JSON file."""
    file = rng.choice(_files(folder, ".json"))
    root = json.loads(file.read_text())
    parent, key = rng.choice(list(_places(root)))
    value, path = parent[key], key
    kind = rng.choice(["number", "string", "retype", "remove", "add", "object", "nest", "special"])
    if kind == "number":
        parent[key] = rng.choice(_NUMBERS)
    elif kind == "string":
        parent[key] = rng.choice(_STRINGS + _WORDS)
    elif kind == "retype":
        parent[key] = rng.choice([None, [], {}, [value], {"a": value}, str(value), True, False])
    elif kind == "remove":
        del parent[key]
    elif kind == "add" and isinstance(parent, dict):
        key = rng.choice(["extra", "config_file", "build_config", "compile_config", "lora_rank"])
        parent[key] = rng.choice([1, "../x", {}, value])
    elif kind == "add":
        parent += [value] * rng.choice([1, 5, 2000])
    elif kind == "object":
        parent[key] = rng.choice(_OBJECTS)
    elif kind == "nest":
        parent[key] = value
        for _ in range(rng.choice([3, 60, 500])):
            parent[key] = [parent[key]]
    else:
        parent[key] = "@"
    text = json.dumps(root)
    if kind == "special":
        special = ["NaN", "-Infinity", "1e999", '1, "name": 1', '"\\ud800"', "1" * 5000, "tru"]
        text = text.replace('"@"', rng.choice(special))
    file.write_text(text)
    return f"{kind} at {path} of {file.name}"


def _places(value: Any):
    items = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield value, key
        yield from _places(item)


def _header(folder: Path, rng: Rng) -> str:
    """Edits the header of the safetensors file."""
    file = folder / "model.safetensors"
    content = file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    name = rng.choice(sorted(header.keys() - {"__metadata__"}))
    entry, kind = header[name], rng.choice(["dtype", "shape", "offset", "name", "length", "twice"])
    if kind == "dtype":
        entry["dtype"] = rng.choice(["F16", "BF16", "F64", "I8", "I64", "BOOL", "F8_E4M3", "", 3])
    elif kind == "shape":
        sides = [[], [0], [-1], [2**62], [2**33, 2**33], [1.0], "x", [*entry["shape"], 1]]
        entry["shape"] = rng.choice(sides)
    elif kind == "offset":
        entry["data_offsets"][rng.randrange(2)] = rng.choice([-1, 0, 4, 2**62, 1.0, None])
    elif kind == "name":
        header[rng.choice(["a", "../b", "stack9_block0/conv1/kernel", ""])] = header.pop(name)
    elif kind == "twice":
        header[f"{name}_twice"] = entry
    text = json.dumps(header).encode()
    length = len(text) if kind != "length" else rng.choice([0, 1, len(text) - 1, 2**40, 2**64 - 1])
    file.write_bytes(struct.pack("<Q", length) + text + data)
    return f"{kind} of {name}"


def _head(folder: Path, rng: Rng) -> str:
    """Edits a dataset or an attribute of the HDF5 file."""
    kind = rng.choice(["remove", "shape", "dtype", "rename", "attribute", "group", "extra"])
    with h5py.File(folder / "task.weights.h5", "r+") as store:
        paths = []
        store.visit(paths.append)
        path = rng.choice(paths)
        item = store[path]
        if kind == "attribute":
            item.attrs["name"] = rng.choice(["", b"\xff", 3, "x" * 1000])
        elif kind == "extra":
            store.create_dataset("extra/vars/0", (3,), "f4")
        elif kind == "rename":
            store.move(path, f"{path}_renamed")
        else:
            is_dataset = isinstance(item, h5py.Dataset)
            shape = item.shape if is_dataset else (1,)
            del store[path]
            if kind == "shape":
                store.create_dataset(
                    path, rng.choice([(), (0,), (1,), (*shape, 2), (512, 3)]), "f4"
                )
            elif kind == "dtype":
                store.create_dataset(path, shape, rng.choice(["f2", "f8", "i1", "S4", "?", "c8"]))
            elif kind == "group":
                store.create_group(path)
    return f"{kind} {path}"


_CHANGES = (
    *(_edit,) * 6,
    *(_flip, _header, _head) * 2,
    *(_truncate, _swap, _remove, _replace, _encode, _link, _add, _reformat),
)
