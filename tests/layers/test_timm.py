"""Attention, blurring and standardized convolution equal timm's with the same weights."""

import numpy as np
import pytest

from keras_resblocks_plugin import layers
from tests.convert.timm_import import import_timm
from tests.helpers import TOLERANCE, fill, images, to_channels_first, to_numpy

import_timm()
torch = pytest.importorskip("torch")
timm_layers = pytest.importorskip("timm.layers")


def assert_equal_to(module, layer, x, weights=()):
    """The layer gives the outputs of timm's module, whose weights are those of the layer."""
    state = {name: torch.tensor(to_timm(to_numpy(weight))) for name, weight in weights}
    module.load_state_dict(state, strict=True)
    with torch.no_grad():
        expected = module(torch.tensor(to_channels_first(x))).numpy()
    np.testing.assert_allclose(to_channels_first(to_numpy(layer(x))), expected, **TOLERANCE)


def to_timm(value):
    return np.ascontiguousarray(np.moveaxis(value, (-1, -2), (0, 1))) if value.ndim > 1 else value


def built(layer, x):
    layer.build(x.shape)
    return fill(layer)


@pytest.mark.parametrize("channels", [8, 40, 72])
@pytest.mark.parametrize("ratio", [1 / 16, 0.25])
def test_squeeze_excitation(channels, ratio):
    x = images(2, 7, 6, channels)
    layer = built(layers.SqueezeExcitation(ratio), x)
    names = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
    module = timm_layers.SqueezeExcite(channels, rd_ratio=ratio)
    assert_equal_to(module, layer, x, zip(names, layer.weights, strict=True))


@pytest.mark.parametrize("channels", [8, 40, 512])
def test_efficient_channel_attention(channels):
    x = images(2, 7, 6, channels)
    layer = built(layers.EfficientChannelAttention(), x)
    module = timm_layers.EcaModule(channels)
    assert_equal_to(module, layer, x, [("conv.weight", layer.conv.kernel)])


@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
def test_blur_pooling(size):
    x = images(2, *size, 3)
    assert_equal_to(timm_layers.BlurPool2d(3), layers.BlurPooling2D(), x)
    max_blur = torch.nn.Sequential(torch.nn.MaxPool2d(3, 1, 1), timm_layers.BlurPool2d(3))
    assert_equal_to(max_blur, layers.MaxBlurPooling2D(), x)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("strides", [1, 2])
def test_standardized_convolution(strides, groups):
    x = images(2, 7, 6, 8)
    layer = built(layers.StandardizedConv2D(12, 3, strides, groups=groups), x)
    module = timm_layers.StdConv2d(8, 12, 3, strides, bias=True, groups=groups, eps=1e-8)
    assert_equal_to(module, layer, x, zip(("weight", "bias"), layer.weights, strict=True))
