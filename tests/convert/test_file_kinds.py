"""Files that are no PyTorch weights are named for what they are."""

import argparse
import zipfile

import keras
import pytest
import safetensors.numpy

import keras_resblocks_plugin as krp
from tests.helpers import images
from tests.tiny import assert_refused

TABLE_END = bytes.fromhex("57fb808b247547db")
FILES = {
    "pointer.pth": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
    "page.pth": (b"<!DOCTYPE html><html></html>", "a web page"),
    "empty.pth": (b"", "is empty"),
    "model.ckpt": (b"\0\0\0\0" * 20 + TABLE_END, "TensorFlow checkpoint"),
    "model.ckpt.data-00000-of-00001": (b"\1\2\3\4" * 20, "TensorFlow checkpoint"),
    "model.onnx": (b"\x08\x07\x12\x07pytorch", "an ONNX model"),
    "flax_model.msgpack": (b"\x82\xa6params\x80", "Flax"),
    "model.tflite": (b"\x1c\0\0\0TFL3" + b"\0" * 20, "a LiteRT model"),
    "weights.pth.gz": (b"\x1f\x8b\x08\0" * 4, "gzip"),
    "cut.pth": (b"PK\x03\x04" + b"\0" * 60, "truncated or damaged"),
    "noise.pth": (b"no weights at all" * 5, "is not a PyTorch checkpoint"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_for_what_it_is(name, tmp_path):
    file = tmp_path / name
    content, kind = FILES[name]
    file.write_bytes(content)
    if name == "noise.pth":
        pytest.importorskip("torch", reason="Only PyTorch tells its old checkpoints from noise.")
        kind = "or is damaged"
    assert_refused(lambda: krp.convert.from_timm(file), f"`{file}`", kind)


def test_other_formats_of_keras(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    for name, kind in {
        "model.h5": "`krp.convert.from_mlperf_tiny()`",
        "model.weights.h5": "is an HDF5 file",
        "model.keras": "keras.saving.load_model()",
    }.items():
        file = tmp_path / name
        model.save_weights(file) if "weights" in name else model.save(file)
        # Whatever its name is.
        file = file.rename(tmp_path / f"{name}.pth")
        assert_refused(lambda file=file: krp.convert.from_timm(file), f"`{file}`", kind)


def test_zip_files_and_renamed_safetensors(tmp_path):
    file = tmp_path / "archive.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes.txt", "none")
    assert_refused(lambda: krp.convert.from_timm(file), "is a zip file", "notes.txt")
    file = tmp_path / "model.bin"
    safetensors.numpy.save_file({"conv1.weight": images(4, 3, 7, 7)}, file)
    assert_refused(lambda: krp.convert.from_timm(file), "ends in `.safetensors`")


def test_a_pointer_in_place_of_safetensors(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(FILES["pointer.pth"][0])
    assert_refused(lambda: krp.convert.from_timm(file), "Git LFS")


def test_no_check_is_to_be_switched_off(tmp_path):
    torch = pytest.importorskip("torch", reason="Only PyTorch writes and reads its checkpoints.")
    file = tmp_path / "model.pth"
    torch.save({"state_dict": {}, "args": argparse.Namespace(lr=0.1)}, file)
    with pytest.raises(ValueError, match="contains objects other than tensors") as caught:
        krp.convert.from_timm(file)
    for advice in ("weights_only", "trust", "add_safe_globals"):
        assert advice not in str(caught.value)
    assert "argparse.Namespace" in str(caught.value)
