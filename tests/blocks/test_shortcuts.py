"""The shortcuts compute the same as numpy."""

import numpy as np
import pytest

from keras_resblocks_plugin.blocks import PostActivationResidualBlock, PreActivationResidualBlock
from tests.helpers import TOLERANCE, fill, images, to_numpy


@pytest.mark.parametrize("size", [(6, 8), (7, 5)])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("missing", [0, 5])
def test_pad_takes_every_nth_pixel_and_splits_zero_channels(missing, strides, size):
    x = images(2, *size, 3)
    block = PostActivationResidualBlock(3 + missing, strides=strides, shortcut="pad")
    block.build(x.shape)
    before, after = missing // 2, missing - missing // 2
    expected = np.pad(x[:, ::strides, ::strides], [(0, 0)] * 3 + [(before, after)])
    np.testing.assert_array_equal(to_numpy(block.shortcut(x)), expected)


def average_tiles(x, strides):
    """Means of tiles, which may be smaller at the far edges."""
    rows, columns = range(0, x.shape[1], strides), range(0, x.shape[2], strides)
    tiles = [[x[:, i : i + strides, j : j + strides].mean((1, 2)) for j in columns] for i in rows]
    return np.array(tiles).transpose(2, 0, 1, 3)


@pytest.mark.parametrize("size", [(7, 6), (5, 8)])
@pytest.mark.parametrize("strides", [1, 2, 4])
@pytest.mark.parametrize("shortcut", ["avg_pool", "auto_avg_pool"])
def test_avg_pool_averages_then_projects(shortcut, strides, size):
    x = images(2, *size, 3)
    block = PostActivationResidualBlock(5, strides=strides, shortcut=shortcut)
    block.build(x.shape)
    fill(block)
    kernel, bias = (to_numpy(w) for w in block.shortcut_conv.weights)
    expected = average_tiles(x, strides) @ kernel[0, 0] + bias
    np.testing.assert_allclose(to_numpy(block.shortcut(x)), expected, **TOLERANCE)


def test_auto_avg_pool_leaves_an_input_of_the_same_shape_alone():
    x = images(2, 4, 4, 3)
    for shortcut, projects in (("auto_avg_pool", False), ("avg_pool", True)):
        block = PostActivationResidualBlock(3, shortcut=shortcut)
        block.build(x.shape)
        assert block.projects == projects
        if not projects:
            np.testing.assert_array_equal(to_numpy(block.shortcut(x)), x)


def test_pad_in_a_pre_activation_block_reads_the_raw_input():
    x = images(2, 4, 4, 3)
    block = PreActivationResidualBlock(5, shortcut="pad")
    block.build(x.shape)
    fill(block)
    np.testing.assert_array_equal(to_numpy(block.shortcut(x))[..., 1:4], x)
