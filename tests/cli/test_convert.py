"""`keras-resblocks convert` on local files."""

import hashlib
import json

import keras_hub
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.cli import main
from tests.cli.without_extras import run_without_extras
from tests.convert import models
from tests.tiny import photos, predict


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as timm saves it, without the preprocessing and the classes."""
    folder = tmp_path_factory.mktemp("timm") / "resnet18"
    krp.convert.to_timm(models.classifier("resnet18"), folder)
    (folder / "config.json").unlink()
    return folder


def test_a_safetensors_file_needs_no_extra(folder, fresh_process, tmp_path):
    file, names, out = folder / "model.safetensors", tmp_path / "names.txt", tmp_path / "preset"
    names.write_text("cat\ndog\nfox\n")
    options = ["--out", out, "--class-names", names, "--image-size", 48, "--data", "my-pets"]
    options += ["--mean", 0.5, 0.5, 0.5, "--std", 0.25, 0.25, 0.25]
    ((code, output),) = run_without_extras(fresh_process, ["convert", file, *options])
    assert code == 0
    assert f'keras_hub.models.ImageClassifier.from_preset("{out}")' in output
    loaded = keras_hub.models.ImageClassifier.from_preset(str(out))
    assert loaded.class_names == ["cat", "dog", "fox"]
    converter = loaded.preprocessor.image_converter
    assert converter.image_size == (48, 48)
    assert converter.scale == pytest.approx([1 / (255 * 0.25)] * 3)
    assert converter.offset == pytest.approx([-2.0] * 3)
    assert predict(loaded, photos()).shape == (2, 3)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    training = json.loads((out / "training.json").read_text())
    assert training["start"] == {"converted from": f"model.safetensors, SHA-256 {digest}"}
    card = (out / "README.md").read_text()
    assert digest in card
    assert "my-pets" in card
    krp.ResBlockImageClassifier.from_preset(str(out))


def test_the_version_of_torchvisions_weights(folder, tmp_path):
    file, out = folder / "model.safetensors", tmp_path / "preset"
    main(["convert", str(file), "--out", str(out), "--weights", "V2"])
    converter = keras_hub.models.ImageClassifier.from_preset(str(out)).preprocessor.image_converter
    assert converter.crop_fraction == pytest.approx(224 / 232)
