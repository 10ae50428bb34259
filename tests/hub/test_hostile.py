"""Malicious repositories: each is refused before anything is built."""

import io
import json
import os
import pickle
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import keras
import pytest

import keras_resblocks_plugin as krp
from tests.hub.outcomes import assert_fails, contents, on_hub
from tests.hub.store import File

NAME = "user/hostile"
HANDLE = f"hf://{NAME}"
# A standard module that nothing else imports, so an import of it is detected.
FOREIGN = "antigravity"


class _Marked:
    def __reduce__(self):
        return (__import__, (FOREIGN,))


def _keras_archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF")
    return file.getvalue()


def _edited(text: bytes, **changes) -> bytes:
    value = json.loads(text)
    for path, new in changes.items():
        *parents, key = path.split("__")
        inner = value
        for parent in parents:
            inner = inner[parent]
        inner[key] = new
    return json.dumps(value).encode()


def _header(length: int, text: bytes = b"{}") -> bytes:
    return struct.pack("<Q", length) + text


def _claims(**entry) -> bytes:
    text = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **entry}})
    return _header(len(text), text.encode()) + b"\0" * 4


def refused(hub, match: str, files: dict[str, bytes]) -> None:
    """Every loader refuses the repository, and builds and registers nothing."""
    hub.repo(NAME).edit(files)
    names = set(krp.list_presets())
    tracemalloc.start()
    for load in (
        lambda: krp.pull_from_hub(HANDLE, name="hostile"),
        lambda: krp.ResBlockImageClassifier.from_preset(HANDLE),
    ):
        assert_fails(hub, match, load)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
    assert set(krp.list_presets()) == names
    assert FOREIGN not in sys.modules


@pytest.mark.parametrize(
    "path", ["../{}", "a/../../{}", "{home}/{}", "..\\{}", "C:\\{}", "a:{}", "a/./{}"]
)
def test_path_escapes_in_file_names(hub, preset, path):
    home = Path(os.environ["HF_HOME"]).parent
    path = path.format("escaped.txt", home=home)
    refused(hub, "outside of its folder", {**contents(preset), path: b"escaped"})
    assert not list(home.rglob("*escaped*"))


@pytest.mark.parametrize(
    "target", ["../model.safetensors", "/etc/passwd", "a/../../x", "..\\x", "", ".", "C:\\x", None]
)
def test_path_escapes_in_weight_map(hub, preset, target):
    files = contents(preset)
    index = json.loads(files["model.weights.json"])
    index["weight_map"] = dict.fromkeys(index["weight_map"], target)
    refused(hub, "weight_map", {**files, "model.weights.json": json.dumps(index).encode()})


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(_Marked()), _keras_archive(), b"", b"version https://git-lfs", b"{}"],
    ids=["pickle", "keras archive", "empty", "pointer", "json"],
)
def test_weights_in_another_format(hub, preset, content):
    refused(hub, "safetensors", {**contents(preset), "model.safetensors": content})


@pytest.mark.parametrize(
    "path", ["model.weights.h5", "model.keras", "pytorch_model.bin", "evil.py", "a/b.PKL"]
)
def test_additional_weights_or_code(hub, preset, path):
    refused(hub, path.split("/")[-1], {**contents(preset), path: pickle.dumps(_Marked())})


@pytest.mark.parametrize("length", [2**30, 2**40, 2**63, 2**64 - 1])
def test_gigabyte_headers(hub, preset, length):
    refused(hub, "safetensors", {**contents(preset), "model.safetensors": _header(length)})


@pytest.mark.parametrize(
    "entry",
    [
        {"shape": [2**40], "data_offsets": [0, 2**42]},
        {"shape": [2**33, 2**33]},
        {"shape": [-1]},
        {"shape": [1.0]},
        {"data_offsets": [-4, 0]},
        {"data_offsets": [2**62, 2**62 + 4]},
        {"dtype": "O"},
    ],
)
def test_impossible_tensors(hub, preset, entry):
    refused(hub, "safetensors", {**contents(preset), "model.safetensors": _claims(**entry)})


LAMBDA = {"class_name": "Lambda", "module": "keras.layers", "registered_name": None, "config": {}}
CODE = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
CLASS = {"class_name": "Thing", "module": FOREIGN, "registered_name": None, "config": {}}
OTHER = {"class_name": "Thing", "module": FOREIGN, "registered_name": "other>Thing", "config": {}}


@pytest.mark.parametrize("hostile", [LAMBDA, CODE, CLASS, OTHER], ids=lambda h: h["class_name"])
@pytest.mark.parametrize("file", ["config.json", "task.json", "preprocessor.json"])
def test_foreign_classes(hub, preset, file, hostile):
    files = contents(preset)
    inside = _edited(files[file], config__extra=[{"deep": hostile}])
    refused(hub, "may not be built", {**files, file: inside})
    refused(hub, "ResBlock|may not be built", {**files, file: json.dumps(hostile).encode()})


@pytest.mark.parametrize("path", ["model.safetensors", "config.json", "task.json"])
def test_a_symlink_in_the_repository(hub, preset, path):
    # Git stores a link as a file that contains its target, and the Hub serves that file.
    refused(hub, path, {**contents(preset), path: b"../../../../../etc/passwd"})


def test_an_entry_that_is_not_a_file(hub, preset):
    hub.repo(NAME).find().files["samples"] = File(b"../../etc", kind="directory")
    refused(hub, "samples", contents(preset))


def _linking(file: h5py.File) -> None:
    file["layers"] = h5py.ExternalLink("/etc/passwd", "/")


def _claiming(file: h5py.File) -> None:
    file.create_dataset("layers", shape=(2**40,), dtype="float32")


@pytest.mark.parametrize("write", [_linking, _claiming, None])
def test_a_hostile_head(hub, preset, write):
    head = b"/etc/passwd"
    if write is not None:
        with h5py.File(preset / "task.weights.h5", "w") as file:
            write(file)
        head = (preset / "task.weights.h5").read_bytes()
    hub.repo(NAME).edit({**contents(preset), "task.weights.h5": head})
    for load in (krp.pull_from_hub, krp.ResBlockImageClassifier.from_preset):
        assert_fails(hub, "task.weights.h5", load, HANDLE)


@pytest.mark.parametrize("path", ["model.safetensors", "README.md", "samples"])
def test_a_link_to_a_private_file_is_not_pushed(hub, preset, tmp_path, path):
    # The link as `git clone` creates it.
    secret = tmp_path / "secret"
    secret.write_bytes(contents(preset).get(path, b"secret"))
    (preset / path).unlink(missing_ok=True)
    (preset / path).symlink_to(secret)
    assert_fails(hub, path, krp.push_to_hub, preset, HANDLE)
    assert NAME not in hub.repos


def test_the_links_of_the_cache_are_pushed(hub, preset):
    hub.repo(NAME).edit(contents(preset))
    pulled = krp.pull_from_hub(HANDLE, name="pushed_on")
    krp.push_to_hub(pulled.folder, "hf://user/copy")
    assert on_hub(hub, "user/copy") == contents(preset)


def test_a_bomb_of_nested_json(hub, preset):
    bomb = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    refused(hub, "config.json", {**contents(preset), "config.json": bomb})


def test_a_class_that_the_user_registered_is_built(hub, preset):
    class Converter(krp.ResBlockImageConverter):
        pass

    files = contents(preset)
    converter = _edited(
        files["image_converter.json"],
        class_name="Converter",
        registered_name="mine>Converter",
        module=None,
    )
    hub.repo(NAME).edit({**files, "image_converter.json": converter})
    # In a scope, since KerasHub would otherwise find two converters from here on.
    with keras.saving.custom_object_scope({"mine>Converter": Converter}):
        krp.pull_from_hub(HANDLE, name="registered_class")
