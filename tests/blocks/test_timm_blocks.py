"""RegNet's and BiT's blocks equal timm's with the same weights."""

import re
from functools import partial

import numpy as np
import pytest

from keras_resblocks_plugin import blocks
from tests.convert.timm_import import import_timm
from tests.helpers import TOLERANCE, fill, images, to_channels_first, to_numpy

import_timm()
torch = pytest.importorskip("torch")
regnet = pytest.importorskip("timm.models.regnet")
resnetv2 = pytest.importorskip("timm.models.resnetv2")
StdConv2d = pytest.importorskip("timm.layers").StdConv2d

LEAVES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def regnet_name(path):
    path = re.sub(r"attention/(squeeze|excite)", r"se.\1", path)
    path = path.replace("squeeze", "fc1").replace("excite", "fc2")
    path = re.sub(r"(conv|norm)(\d)/", lambda m: f"conv{m[2]}.{m[1]}/", path)
    return re.sub("shortcut_(conv|norm)", r"downsample.\1", path).replace("norm/", "bn/")


def bit_name(path):
    return path.replace("shortcut_conv", "downsample.conv")


def assert_equal_to(module, block, x, timm_name):
    block.build(x.shape)
    fill(block)
    state = {}
    for weight in block.weights:
        *path, leaf = weight.path.split("/")[1:]
        value = to_numpy(weight)
        value = np.transpose(value, (3, 2, 0, 1)) if value.ndim == 4 else value
        name = timm_name("/".join(path) + "/").strip("/").replace("/", ".")
        state[f"{name}.{LEAVES.get(leaf, leaf)}"] = torch.tensor(np.ascontiguousarray(value))
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    with torch.no_grad():
        expected = module.eval()(torch.tensor(to_channels_first(x))).numpy()
    np.testing.assert_allclose(to_channels_first(to_numpy(block(x))), expected, **TOLERANCE)


@pytest.mark.parametrize("attention", [None, "se"])
@pytest.mark.parametrize(("channels", "strides"), [(14, 2), (24, 1)])
def test_regnet(channels, strides, attention):
    module = regnet.Bottleneck(
        channels, 24, strides, group_size=8, se_ratio=0.25 if attention else 0.0
    )
    block = blocks.RegNetResidualBlock(24, strides=strides, group_width=8, attention=attention)
    assert_equal_to(module, block, images(2, 7, 6, channels), regnet_name)
    if attention:
        # `round` takes 3.5 to the even number.
        assert block.attention.squeeze.filters == {14: 4, 24: 6}[channels]


@pytest.mark.parametrize(("channels", "strides"), [(64, 2), (128, 1)])
def test_bit(channels, strides):
    # In a backbone the first block of each stack is projected, as timm's are.
    module = resnetv2.PreActBottleneck(
        channels,
        128,
        stride=strides,
        conv_layer=partial(StdConv2d, eps=1e-8),
        proj_layer=resnetv2.DownsampleConv if strides > 1 else None,
    )
    block = blocks.BiTResidualBlock(32, strides=strides)
    assert_equal_to(module, block, images(2, 7, 6, channels), bit_name)
