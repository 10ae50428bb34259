"""Every family of timm's networks: one small random member, and some in their real size."""

from typing import NamedTuple

import pytest

from keras_resblocks_plugin.convert._architecture import read_architecture
from keras_resblocks_plugin.convert._timm_config import backbone_arguments, layout
from tests.convert.random_timm import compare
from tests.convert.timm_import import import_timm

timm = import_timm()
torch = pytest.importorskip("torch")

NARROW = {"layers": (2, 1, 1, 1), "channels": (8, 16, 8, 16)}
# The first stack of basic blocks changes no shape: its shortcut is the identity.
EQUAL = {"layers": (1, 1, 1, 1), "channels": (64, 16, 8, 16)}
# Each group of a convolution has a channel.
GROUPED = {"layers": (2, 1, 1, 1), "channels": (16, 32, 16, 32)}
# Each of the 32 groups of a group norm has a channel in a bottleneck.
NORMED = {"channels": (128, 128, 128, 256)}
SMALL = {
    "resnet18d": EQUAL,
    "resnet50c": NARROW,
    "resnet50_gn": {"layers": (2, 1, 1, 1), "channels": (32, 32, 64, 32)},
    "resnext50_32x4d": GROUPED,
    "wide_resnet50_2": NARROW,
    "seresnet18": NARROW,
    "seresnext26t_32x4d": GROUPED,
    "ecaresnet50d": {"layers": (2, 1, 1, 1), "channels": (8, 64, 128, 16)},
    "resnetaa50": NARROW,
    "seresnetaa50d": NARROW,
    "resnetblur18": EQUAL,
    "resnetblur50d": NARROW,
    "resnetrs50": NARROW,
    "resnetv2_18d": EQUAL,
    "resnetv2_50t": {"layers": (2, 1, 1, 1), "channels": (32, 64, 32, 64)},
    "resnetv2_50d_gn": {"layers": (2, 1, 1, 1), **NORMED},
    "resnetv2_50x1_bit": NORMED,
    # Their widths follow from a formula. These are the smallest that have a name.
    "regnetx_002": {},
    "regnety_002": {},
}
BIT = 5e-5
OTHERS = 1e-5


def assert_equal(name, folder, **arguments):
    result = compare(name, folder, **arguments)
    allowed = BIT if name.endswith("_bit") else OTHERS
    assert result["difference"] <= max(allowed, 2 * result["timm_difference"])
    assert result["back"] == name


@pytest.mark.parametrize("name", SMALL)
def test_a_small_member_from_timm_and_back(name, tmp_path):
    assert_equal(name, tmp_path, **SMALL[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["resnet18", "resnext50_32x4d", "regnety_008", "resnetv2_50x1_bit"]
)
def test_a_network_in_its_real_size_from_timm_and_back(name, tmp_path):
    assert_equal(name, tmp_path)


class Shape(NamedTuple):
    """A tensor without values."""

    shape: tuple[int, ...]


@pytest.mark.parametrize(
    "name", [name for name in SMALL if "aa" not in name and "blur" not in name]
)
def test_the_shapes_of_weights_show_what_the_name_does(name):
    with torch.device("meta"):
        model = timm.create_model(name)
    tensors = {key: Shape(tuple(tensor.shape)) for key, tensor in model.state_dict().items()}
    config = {"architecture": name}
    assert read_architecture(tensors, name) == (backbone_arguments(config), layout(config))
