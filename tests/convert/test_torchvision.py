"""Conversion of torchvision's ResNets, ResNeXts and wide ResNets."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.convert import _torchvision
from keras_resblocks_plugin.convert._architecture import read_architecture
from keras_resblocks_plugin.convert._transfer import check_tensors
from tests.convert.timm_import import import_timm
from tests.helpers import images, to_numpy
from tests.tiny import assert_refused

import_timm()
torch, models = sys.modules["torch"], pytest.importorskip("torchvision").models
from_timm = krp.convert.from_timm

NETWORKS = [name for name in models.resnet.__all__ if name.islower()]
WEIGHTS = [weights for name in NETWORKS for weights in models.get_model_weights(name)]
# One small network of each kind.
SMALL = {
    "resnet18": {"block": models.resnet.BasicBlock},
    "resnet50": {"block": models.resnet.Bottleneck},
    "resnext50": {"block": models.resnet.Bottleneck, "groups": 32, "width_per_group": 4},
    "wide_resnet50": {"block": models.resnet.Bottleneck, "width_per_group": 128},
}


def small_network(name, **kwargs):
    """A network with two blocks in the first stack and random weights and statistics."""
    torch.manual_seed(0)
    network = models.ResNet(layers=[2, 1, 1, 1], **SMALL[name], **kwargs).eval()
    for key, tensor in network.state_dict().items():
        if key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.ndim == 1:
            # Scales that keep the sums of many channels finite.
            tensor.normal_(0.5 * key.endswith("weight"), 0.1)
    return network


def save(network, file):
    torch.save(network.state_dict(), file)
    return file


@pytest.mark.parametrize("name", SMALL)
def test_the_same_logits(name, tmp_path):
    network = small_network(name, num_classes=5)
    model = from_timm(save(network, tmp_path / "weights.pth"), weights="V1")
    # An odd size.
    x = images(2, 75, 75, 3)
    with torch.no_grad():
        expected = network(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy()
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(to_numpy(model(x)), expected, atol=1e-5 * np.ptp(expected))


@pytest.mark.parametrize("name", NETWORKS)
def test_layouts_of_all_networks(name):
    with torch.device("meta"):
        state = models.get_model(name).state_dict()
    tensors = {k: v for k, v in state.items() if "num_batches" not in k}
    arguments, layout = read_architecture(tensors, name)
    shapes = krp.ResBlockBackbone.weight_shapes(arguments)
    # The head's.
    shapes |= {"predictions/kernel": (tensors["fc.weight"].shape[1], 1000)}
    shapes |= {"predictions/bias": (1000,)}
    check_tensors(shapes, tensors, layout, name)


def test_17_weights_are_published():
    assert len(WEIGHTS) == 17


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_preprocessing_of_all_weights(weights):
    name, version = str(weights).split("_Weights.IMAGENET1K_")
    with torch.device("meta"):
        state = models.get_model(name).state_dict()
    arguments, _ = read_architecture(state, name)
    transforms = weights.transforms()
    crop = transforms.crop_size[0]
    file_name = Path(weights.url).name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_name = _torchvision.read_preprocessing(file_name, None, arguments)
        by_version = _torchvision.read_preprocessing("model.safetensors", version, arguments)
    assert by_name == by_version
    assert by_name["input_size"] == (3, crop, crop)
    assert round(crop / by_name["crop_pct"], 6) == transforms.resize_size[0]
    assert by_name["interpolation"] == transforms.interpolation.value == "bilinear"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save(small_network("resnet18"), tmp_path_factory.mktemp("files") / "resnet18.pth")


def renamed(file, name, tmp_path):
    link = tmp_path / name
    link.hardlink_to(file)
    return link


def test_the_name_of_a_file_shows_its_version(saved, tmp_path, recwarn):
    v1 = from_timm(renamed(saved, "resnet50-0676ba61.pth", tmp_path))
    v2 = from_timm(renamed(saved, "resnet50-11ad3fa6 (1).pth", tmp_path))
    assert not [x for x in recwarn if "Assuming" in str(x.message)]
    assert v1.preprocessor.image_converter.crop_fraction == 0.875
    assert v2.preprocessor.image_converter.crop_fraction == pytest.approx(224 / 232)
    for model in (v1, v2):
        assert len(model.class_names) == 1000
        assert model.class_names[0] == "tench"


def test_a_file_of_another_name_warns(saved, recwarn):
    with pytest.warns(UserWarning, match="Assuming torchvision's V1: resized to 256"):
        model = from_timm(saved)
    assert model.preprocessor.image_converter.crop_fraction == 0.875
    assert model.class_names is None
    model = from_timm(saved, weights="IMAGENET1K_V2")
    assert model.preprocessor.image_converter.crop_fraction == pytest.approx(224 / 232)
    assert len(model.class_names) == 1000


def test_invalid_versions_are_refused(saved, tmp_path):
    assert_refused(lambda: from_timm(saved, weights="V3"), '`weights` must be "V1" or "V2"', "V3")
    file = renamed(saved, "resnet50-0676ba61.pth", tmp_path)
    assert_refused(lambda: from_timm(file, weights="V2"), "resnet50-0676ba61.pth is V1")
    folder = tmp_path / "timm"
    krp.convert.to_timm(from_timm(file), folder)
    assert_refused(lambda: from_timm(folder, weights="V1"), "`weights` must not be passed")


def test_regnet_is_refused_with_the_tags_of_timm(tmp_path):
    network = models.RegNet(
        models.regnet.BlockParams([1, 1], [8, 16], [8, 8], [1.0, 1.0], [2, 2]), num_classes=3
    )
    file = save(network, tmp_path / "regnet_y_400mf-c65dace8.pth")
    assert_refused(lambda: from_timm(file), "a RegNet's in torchvision's layout", "tv2_in1k")
