"""`from_timm`: weights files with and without PyTorch and a config, and invalid ones."""

import json
import shutil
import sys

import keras
import numpy as np
import pytest
import safetensors.numpy

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.helpers import values
from tests.tiny import CLASS_NAMES, assert_refused, photos, predict

from_timm = krp.convert.from_timm


@pytest.fixture(scope="module")
def model():
    """A small variant of ResNet-18."""
    return models.classifier("resnet18")


@pytest.fixture(scope="module")
def _written(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("timm") / "resnet18"
    krp.convert.to_timm(model, folder)
    return folder


@pytest.fixture
def folder(_written, tmp_path):
    """The model in timm's format."""
    return shutil.copytree(_written, tmp_path / "resnet18")


def change_config(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def change_tensors(folder, change):
    file = folder / "model.safetensors"
    tensors = safetensors.numpy.load_file(file)
    change(tensors)
    safetensors.numpy.save_file(tensors, file)


def assert_same_weights(left, right):
    left, right = values(left), values(right)
    assert left.keys() == right.keys()
    for path in left:
        np.testing.assert_array_equal(left[path], right[path], err_msg=path)


@pytest.mark.parametrize("name", models.BACKBONES)
def test_round_trip(name, tmp_path):
    model = models.classifier(name, pooling="max" if name == "resnet50" else "avg")
    krp.convert.to_timm(model, tmp_path)
    loaded = from_timm(tmp_path)
    assert_same_weights(model, loaded)
    assert loaded.class_names == CLASS_NAMES
    assert loaded.pooling == model.pooling
    # A named and an automatic projection are equal in these networks.
    config, other = loaded.backbone.get_config(), model.backbone.get_config()
    for entry in ("name", "block_kwargs"):
        del config[entry], other[entry]
    assert config == other


def test_a_backbone_has_no_head(tmp_path):
    backbone = models.backbone("resnet18", image_shape=(None, None, 1))
    krp.convert.to_timm(backbone, tmp_path)
    loaded = from_timm(tmp_path)
    assert isinstance(loaded, krp.ResBlockBackbone)
    assert_same_weights(loaded, backbone)


def test_predictions_of_raw_images_are_the_same(model, folder):
    expected = predict(model, photos())
    np.testing.assert_allclose(predict(from_timm(folder), photos()), expected, rtol=1e-6)


def test_a_file_without_a_config_gets_the_preprocessing_of_imagenet(model, folder):
    (folder / "config.json").unlink()
    loaded = from_timm(folder / "model.safetensors")
    assert_same_weights(loaded, model)
    converter = loaded.preprocessor.image_converter
    assert converter.image_size == (224, 224)
    assert (converter.crop_fraction, converter.interpolation) == (0.875, "bilinear")
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = np.full((1, 300, 260, 3), 51.0, "float32")
    expected = np.broadcast_to((0.2 - mean) / std, (1, 224, 224, 3))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(converter(pixels)), expected, rtol=1e-5)
    assert loaded.class_names is None


def test_arguments_override_the_config(folder):
    loaded = from_timm(folder, list("xyz"), 64, mean=[0.5, 0.25, 0.5], std=[0.5, 0.5, 0.5])
    assert loaded.class_names == ["x", "y", "z"]
    converter = loaded.preprocessor.image_converter
    assert converter.image_size == (64, 64)
    assert converter.offset == pytest.approx([-1.0, -0.5, -1.0])
    assert converter.interpolation == "bicubic"


def test_names_of_classes_by_label(folder):
    change_config(folder, label_names={"0": "cat", "2": "fox"})
    assert from_timm(folder).class_names == ["cat", "1", "fox"]


def test_half_precision(model, folder):
    change_tensors(
        folder,
        lambda tensors: tensors.update(
            {k: v.astype("float16") for k, v in tensors.items() if v.dtype == "float32"}
        ),
    )
    expected = values(model)
    for path, array in values(from_timm(folder)).items():
        np.testing.assert_array_equal(array, expected[path].astype("float16"), err_msg=path)


def test_all_mismatched_weights_are_listed(folder):
    def change(tensors):
        del tensors["layer2.0.bn1.bias"]
        tensors["layer1.0.se.fc1.weight"] = np.zeros((2, 8, 1, 1), "float32")
        tensors["layer1.1.conv2.weight"] = np.zeros((8, 4, 3, 3), "float32")

    change_tensors(folder, change)
    assert_refused(
        lambda: from_timm(folder),
        "nothing was converted",
        str(folder),
        "Missing: layer2.0.bn1.bias.",
        "Unexpected: layer1.0.se.fc1.weight.",
        "Misshaped: layer1.1.conv2.weight (8, 4, 3, 3) in place of (8, 8, 3, 3).",
        folder=folder,
    )


def test_weights_of_another_network_are_refused(tmp_path):
    file = tmp_path / "model.safetensors"
    safetensors.numpy.save_file({"blocks.0.attn.qkv.weight": np.zeros((3, 4), "float32")}, file)
    assert_refused(lambda: from_timm(file), "must belong to a ResNet", "blocks.0.attn.qkv.weight")
    file.write_bytes(b"no safetensors")
    assert_refused(lambda: from_timm(file), "not a whole safetensors file", str(file))


ARCHITECTURES = {
    "senet154": ", whose bottlenecks halve their first convolution",
    "ecaresnet50d_pruned": ", whose blocks have widths of their own",
    "legacy_seresnet50.in1k": ", which timm itself calls legacy",
    "resnetv2_50d_evos": ", whose norms are neither batch nor group norm",
    "regnetz_040": ", whose blocks are neither those of RegNetX nor of RegNetY",
    "test_resnet": ", whose stacks have different blocks",
    # Their names contain those of parts and of other networks.
    "convnext_base": "",
    "vit_base_patch16_224": "",
    "resnest50d": "",
    "resnetblur34": "",
    "swin_resnet50": "",
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_other_architectures_are_refused_with_the_reason(folder, architecture):
    change_config(folder, architecture=architecture)
    with pytest.raises(ValueError, match=r"supports: timm's resnet, .* and regnety\. ") as e:
        from_timm(folder)
    # The error ends in the reason, or has none.
    reason = str(e.value).split(f"Received: {architecture!r}")[1]
    assert reason.startswith(ARCHITECTURES[architecture])
    assert bool(reason) == bool(ARCHITECTURES[architecture])


def test_other_arguments_are_refused(folder):
    change_config(folder, model_args={"output_stride": 8, "drop_rate": 0.1})
    assert_refused(lambda: from_timm(folder), "`model_args`", "{'output_stride': 8}")
    change_config(folder, model_args={"global_pool": "catavgmax"})
    assert_refused(lambda: from_timm(folder), "{'global_pool': 'catavgmax'}")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"interpolation": "hamming"}, "interpolation='hamming'"),
        ({"crop_mode": "border"}, "crop_mode='border'"),
        ({"std": [0, 1, 1]}, "`std` must be above zero"),
        ({"mean": "imagenet"}, "`mean` must be a list of numbers"),
        ({"crop_pct": 1.5}, "`crop_fraction` must be a number in (0, 1]"),
    ],
)
def test_other_preprocessing_is_refused(folder, changes, error):
    change_config(folder, pretrained_cfg=changes)
    assert_refused(lambda: from_timm(folder), error)


def test_statistics_must_match_the_channels(tmp_path):
    gray = models.backbone("resnet18", image_shape=(None, None, 1))
    krp.convert.to_timm(krp.ResBlockImageClassifier(gray, num_classes=3), tmp_path)
    (tmp_path / "config.json").unlink()
    rule = "`mean` and `std` must have one number for each of the network's 1 channels"
    assert_refused(lambda: from_timm(tmp_path), rule, "mean=[0.485, 0.456, 0.406]")
    assert_refused(lambda: from_timm(tmp_path, mean=[0.5], std=[0.5, 0.5]), rule)
    loaded = from_timm(tmp_path, image_size=32, mean=[0.5], std=[0.25])
    assert predict(loaded, photos()[..., :1]).shape == (2, 3)


def test_an_invalid_source_is_refused(tmp_path):
    # A missing file whose name looks like a repository's is not looked for on the Hub.
    for source in ("resnet18", "weights/resnet18.pth", "weights/model.safetensors"):
        assert_refused(lambda source=source: from_timm(source), "`source` must be a Hub handle")
    assert_refused(lambda: from_timm(tmp_path), "`source` must contain model.safetensors")


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch is there.")
def test_a_checkpoint_without_pytorch(tmp_path, monkeypatch):
    # An import of `None` in `sys.modules` raises `ImportError`.
    monkeypatch.setitem(sys.modules, "torch", None)
    file = tmp_path / "resnet18.pth"
    # The first bytes of a pickle.
    file.write_bytes(b"\x80\x02")
    with pytest.raises(ImportError, match="`pip install torch`"):
        from_timm(file)
