"""Attention, groups, group norm and anti-aliasing compute the same as numpy."""

import keras
import numpy as np
import pytest

from keras_resblocks_plugin import blocks
from keras_resblocks_plugin.layers import SqueezeExcitation
from tests.blocks.test_shortcuts import average_tiles
from tests.blocks.user_attention import ChannelScale
from tests.helpers import TOLERANCE, fill, images, to_numpy


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def squeeze_excite(x, squeeze, squeeze_bias, excite, excite_bias):
    squeezed = np.maximum(x.mean((1, 2), keepdims=True) @ squeeze[0, 0] + squeeze_bias, 0)
    return x * sigmoid(squeezed @ excite[0, 0] + excite_bias)


def efficient(x, kernel):
    kernel = kernel.reshape(-1)
    means = np.pad(x.mean((1, 2)), [(0, 0), (len(kernel) // 2,) * 2])
    windows = np.lib.stride_tricks.sliding_window_view(means, len(kernel), axis=1)
    return x * sigmoid(windows @ kernel)[:, None, None]


ATTENTIONS = {
    "se": ("se", squeeze_excite),
    "eca": ("eca", efficient),
    "users": (ChannelScale(), lambda x, scale: x * scale),
    "narrow": (SqueezeExcitation(filters=2), squeeze_excite),
}


@pytest.mark.usefixtures("one_group")
@pytest.mark.parametrize("attention", ATTENTIONS)
# RegNet's attention is in the middle of the branch, as its formula in test_formulas.py shows.
@pytest.mark.parametrize("block_type", sorted(blocks.BLOCK_TYPES.keys() - {"regnet"}))
def test_attention_is_the_end_of_the_residual_branch(block_type, attention):
    x = images(2, 7, 6, 3)
    layer, function = ATTENTIONS[attention]
    block_cls = blocks.BLOCK_TYPES[block_type]
    block, plain = block_cls(4, strides=2, attention=layer), block_cls(4, strides=2)
    for layer in (block, plain):
        layer.build(x.shape)
    fill(block)
    shared = [w for w in block.weights if "/attention/" not in w.path]
    plain.set_weights([to_numpy(weight) for weight in shared])
    expected = function(to_numpy(plain.residual(x)), *map(to_numpy, block.attention.weights))
    np.testing.assert_allclose(to_numpy(block.residual(x)), expected, **TOLERANCE)


@pytest.mark.parametrize("block_type", [name for name in blocks.BLOCK_TYPES if name != "basic"])
def test_zero_init_residual_looks_past_the_attention(block_type):
    x = images(2, 5, 5, 3)
    for normalization in (None, "batch", "group"):
        block = blocks.BLOCK_TYPES[block_type](
            32, zero_init_residual=True, attention="se", normalization=normalization
        )
        # Groups of 32 channels.
        inputs = np.concatenate([x] * 11, axis=-1)[..., :32]
        block.build(inputs.shape)
        assert not np.any(to_numpy(block.residual(inputs)))
        assert all(np.any(to_numpy(w)) for w in block.attention.weights if w.name == "kernel")


def blur(x):
    """Every second pixel of a 3×3 binomial blur whose edges mirror the image."""
    x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    for axis in (1, 2):
        first, middle, last = (np.roll(x, shift, axis) for shift in (1, 0, -1))
        x = (first + 2 * middle + last) / 4
    return x[:, 1:-1:2, 1:-1:2]


@pytest.mark.parametrize("size", [(8, 6), (7, 5)])
@pytest.mark.parametrize(
    ("antialias", "pool"), [("average", lambda x: average_tiles(x, 2)), ("blur", blur)]
)
def test_antialiasing_pools_what_the_convolution_did_not_stride(antialias, pool, size):
    x = images(2, *size, 3)
    bn = blocks.BatchNormResidualBlock(4, strides=2, antialias=antialias)
    bottleneck = blocks.BottleneckResidualBlock(4, strides=2, antialias=antialias)
    for block in (bn, bottleneck):
        block.build(x.shape)
        fill(block)
    h = pool(to_numpy(keras.ops.relu(bn.norm1(bn.conv1(x)))))
    expected = to_numpy(bn.norm2(bn.conv2(h)))
    np.testing.assert_allclose(to_numpy(bn.residual(x)), expected, **TOLERANCE)

    h = keras.ops.relu(bottleneck.norm1(bottleneck.conv1(x)))
    h = pool(to_numpy(keras.ops.relu(bottleneck.norm2(bottleneck.conv2(h)))))
    expected = to_numpy(bottleneck.norm3(bottleneck.conv3(h)))
    np.testing.assert_allclose(to_numpy(bottleneck.residual(x)), expected, **TOLERANCE)
    # As many pixels as the shortcut has.
    assert bn(x).shape == (2, -(-size[0] // 2), -(-size[1] // 2), 4)


def test_antialiasing_changes_strided_blocks_only():
    x = images(2, 6, 6, 4)
    block = blocks.BatchNormResidualBlock(4, antialias="blur")
    plain = blocks.BatchNormResidualBlock(4)
    for layer in (block, plain):
        layer.build(x.shape)
        fill(layer)
    np.testing.assert_array_equal(to_numpy(block(x)), to_numpy(plain(x)))


@pytest.mark.parametrize("block_type", ["bottleneck", "preact_bottleneck"])
def test_groups_convolve_their_own_channels(block_type):
    block = blocks.BLOCK_TYPES[block_type](64, groups=4, base_width=6)
    x = images(2, 5, 5, 8)
    block.build(x.shape)
    fill(block)
    kernel = to_numpy(block.conv2.kernel)
    assert (block.width, kernel.shape) == (24, (3, 3, 6, 24))
    h = images(2, 5, 5, 24)
    padded = np.pad(h, [(0, 0), (1, 1), (1, 1), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    expected = [
        np.einsum("bijcyx,yxco->bijo", windows[..., 6 * g : 6 * g + 6, :, :], kernel[..., part])
        for g, part in enumerate(np.split(np.arange(24), 4))
    ]
    actual = to_numpy(block.conv2(h))
    np.testing.assert_allclose(actual, np.concatenate(expected, -1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("filters", "groups", "base_width", "width"),
    [(64, 32, 4, 128), (512, 32, 8, 2048), (128, 1, 128, 256), (64, 1, 100, 100), (80, 2, 90, 224)],
)
def test_width_of_grouped_and_wide_bottlenecks(filters, groups, base_width, width):
    block = blocks.BottleneckResidualBlock(filters, groups=groups, base_width=base_width)
    # timm: `int(math.floor(planes * (base_width / 64)) * cardinality)`.
    assert block.width == width


def test_group_norm_normalizes_each_group_of_each_image():
    x = images(2, 5, 6, 64) * 3 + 1
    block = blocks.BatchNormResidualBlock(64, normalization="group")
    block.build(x.shape)
    fill(block)
    groups = x.reshape(2, 5, 6, 32, 2)
    mean, variance = (f(groups, axis=(1, 2, 4), keepdims=True) for f in (np.mean, np.var))
    normalized = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape)
    gamma, beta = to_numpy(block.norm1.gamma), to_numpy(block.norm1.beta)
    expected = normalized * gamma + beta
    for training in (False, True):
        actual = to_numpy(block.norm1(x, training=training))
        np.testing.assert_allclose(actual, expected, **TOLERANCE)
