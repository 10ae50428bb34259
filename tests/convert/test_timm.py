"""Comparison with timm itself: logits in both directions, and preprocessed photographs."""

import json

import keras
import numpy as np
import pytest
import safetensors.numpy
from PIL import Image

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.convert.random_timm import randomize
from tests.convert.timm_import import import_timm
from tests.helpers import images, to_numpy
from tests.tiny import CLASS_NAMES

timm = import_timm()
torch = pytest.importorskip("torch")
save_for_hf = timm.models.save_for_hf

# timm's arguments for one small network of each family.
SMALL = {"layers": (2, 1, 1, 1), "channels": (8, 16, 8, 16)}
NETWORKS = {
    "resnet18": SMALL,
    "resnet50": SMALL,
    "resnet50d": SMALL,
    # Channels at the outputs of the blocks.
    "resnetv2_50": {**SMALL, "channels": (32, 64, 32, 64)},
}


def network(name, **kwargs):
    """A network with random weights."""
    torch.manual_seed(0)
    model = timm.create_model(name, **{**NETWORKS[name], "num_classes": 3, **kwargs}).eval()
    randomize(model, seed=0)
    return model


def run(model, x):
    with torch.no_grad():
        return model(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))).numpy()


def assert_same(left, right):
    # The same float32 sums in another order.
    assert left.std() > 0.1
    np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5 * np.abs(left).max())


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "checkpoint"])
@pytest.mark.parametrize("name", NETWORKS)
def test_from_timm_gives_the_same_logits(name, safe, tmp_path):
    model = network(name, global_pool="avg" if safe else "max")
    save_for_hf(model, tmp_path, model_config={"label_names": CLASS_NAMES}, safe_serialization=safe)
    converted = krp.convert.from_timm(tmp_path)
    x = images(2, 69, 50, 3)
    assert_same(to_numpy(converted(x)), run(model, x))
    assert converted.class_names == CLASS_NAMES
    expected = timm.data.resolve_model_data_config(model)
    converter = converted.preprocessor.image_converter
    assert converter.image_size == expected["input_size"][1:]
    assert converter.crop_fraction == expected["crop_pct"]
    assert converter.interpolation == expected["interpolation"] == "bicubic"


@pytest.mark.parametrize("name", NETWORKS)
def test_to_timm_gives_the_same_logits(name, tmp_path):
    model = models.classifier(name)
    krp.convert.to_timm(model, tmp_path)
    loaded = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    x = images(2, 69, 50, 3)
    assert_same(run(loaded, x), to_numpy(model(x)))
    # A network from timm's own factory loads the weights strictly.
    config = json.loads((tmp_path / "config.json").read_text())
    built = timm.create_model(config["architecture"], num_classes=3, **config["model_args"])
    stored = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    built.load_state_dict({k: torch.tensor(v) for k, v in stored.items()}, strict=True)
    shapes = {key: tuple(tensor.shape) for key, tensor in built.state_dict().items()}
    assert shapes == {key: array.shape for key, array in stored.items()}


@pytest.mark.parametrize("name", ["resnet18", "resnetv2_50"])
def test_a_round_trip_changes_nothing(name, tmp_path):
    source = network(name, num_classes=0, in_chans=1)
    save_for_hf(source, tmp_path / "theirs", safe_serialization=True)
    backbone = krp.convert.from_timm(tmp_path / "theirs")
    assert isinstance(backbone, krp.ResBlockBackbone)
    krp.convert.to_timm(backbone, tmp_path / "back")
    back = timm.create_model(f"local-dir:{tmp_path / 'back'}", pretrained=True)
    for key, tensor in source.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[key]), key


def photograph(size):
    """A smooth, bright random image of the given height and width."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    waves = [np.sin(rows / 9 + 2), np.cos(columns / 7), np.sin((rows + columns) / 11)]
    return np.stack(waves, axis=-1) * 80 + 128


@pytest.mark.parametrize("size", [(80, 80), (60, 81)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_a_photograph_through_both_pipelines(size, interpolation, tmp_path):
    converter = krp.ResBlockImageConverter(
        **{**models.PREPROCESSING, "interpolation": interpolation}
    )
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    krp.convert.to_timm(models.classifier("resnet18", preprocessor=preprocessor), tmp_path)
    theirs = timm.create_model(f"local-dir:{tmp_path}", pretrained=True)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(theirs))
    pixels = photograph(size).round().astype("uint8")
    expected = transform(Image.fromarray(pixels)).numpy().transpose(1, 2, 0)
    # The config survives a round trip.
    loaded = krp.convert.from_timm(tmp_path).preprocessor.image_converter
    for ours in (converter, loaded):
        given = keras.ops.convert_to_numpy(ours(pixels.astype("float32")))
        assert given.shape == expected.shape == (40, 40, 3)
        std = np.array([0.25, 0.2, 0.125])
        # Pillow rounds to whole levels after the columns and again after the rows.
        assert np.abs((given - expected) * std * 255).max() < 1.2
