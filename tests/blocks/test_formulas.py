"""Each block computes the same as plain Keras layers with the same weights."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_resblocks_plugin import blocks
from tests.helpers import TOLERANCE, fill, images, to_numpy


def conv(x, filters, kernel_size=3, **kwargs):
    return layers.Conv2D(filters, kernel_size, padding="same", **kwargs)(x)


def norm(x, momentum=0.9, epsilon=1e-5):
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon)(x)


def norm_relu(x, **kwargs):
    return layers.ReLU()(norm(x, **kwargs))


def basic(x):
    y = layers.ReLU()(conv(x, 64))
    return x + layers.ReLU()(conv(y, 64))


def act(x):
    return layers.ReLU()(x + conv(conv(x, 64), 64))


def bn(x):
    y = norm_relu(conv(x, 64, use_bias=False))
    return layers.ReLU()(x + norm(conv(y, 64, use_bias=False)))


def expanded(x):
    y = layers.ReLU()(conv(x, 256, 1))
    y = layers.ReLU()(conv(y, 256))
    return layers.ReLU()(x + conv(y, 64, 1))


def identity(x):
    return x + conv(x, 64)


def preact(x):
    y = conv(norm_relu(x), 64, use_bias=False)
    return x + conv(norm_relu(y), 64, use_bias=False)


def bottleneck(x):
    y = norm_relu(conv(x, 16, 1, use_bias=False))
    y = norm_relu(conv(y, 16, use_bias=False))
    return layers.ReLU()(x + norm(conv(y, 64, 1, use_bias=False)))


def preact_bottleneck(x):
    y = conv(norm_relu(x), 16, 1, use_bias=False)
    y = conv(norm_relu(y), 16, use_bias=False)
    return x + conv(norm_relu(y), 64, 1, use_bias=False)


def mlperf_tiny(x):
    kwargs = {"momentum": 0.99, "epsilon": 1e-3}
    y = norm_relu(conv(x, 64, use_bias=False), **kwargs)
    return layers.ReLU()(x + norm(conv(y, 64, use_bias=False), **kwargs))


def regnet(x):
    y = norm_relu(conv(x, 64, 1, use_bias=False))
    y = norm_relu(conv(y, 64, use_bias=False, groups=8))
    return layers.ReLU()(x + norm(conv(y, 64, 1, use_bias=False)))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "plain",
    [
        basic,
        act,
        bn,
        expanded,
        identity,
        preact,
        bottleneck,
        preact_bottleneck,
        regnet,
        mlperf_tiny,
    ],
    ids=lambda plain: plain.__name__,
)
def test_block_equals_plain_keras_layers(plain, training):
    x = images(2, 7, 6, 64)
    inputs = keras.Input((None, None, 64))
    reference = fill(keras.Model(inputs, plain(inputs)))
    block_cls = blocks.BLOCK_TYPES[plain.__name__]
    block = block_cls(64 // block_cls.expansion)
    block.build(x.shape)
    # Both create their weights in the same order.
    block.set_weights(reference.get_weights())

    expected = to_numpy(reference(x, training=training))
    actual = to_numpy(block(x, training=training))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)
    # Including the moving statistics after a call in training.
    for weight, plain_weight in zip(block.weights, reference.weights, strict=True):
        np.testing.assert_allclose(to_numpy(weight), to_numpy(plain_weight), **TOLERANCE)


@pytest.mark.usefixtures("one_group")
@pytest.mark.parametrize("block_type", blocks.BLOCK_TYPES)
def test_64_filters_on_an_rgb_image(block_type):
    block = blocks.BLOCK_TYPES[block_type](64)
    model = keras.Sequential([keras.Input((256, 256, 3)), block])
    assert model.output_shape == (None, 256, 256, 64 * block.expansion)
    y = block(images(1, 32, 32, 3))
    assert tuple(y.shape) == (1, 32, 32, 64 * block.expansion)


@pytest.mark.parametrize("block_type", ["preact", "preact_bottleneck"])
def test_pre_activation_projects_the_output_of_the_first_norm_and_relu(block_type):
    x = images(8, 5, 5, 3)
    block = blocks.BLOCK_TYPES[block_type](4)
    block.build(x.shape)
    fill(block)
    start = to_numpy(block.norm1.moving_mean)
    means, variances = x.mean((0, 1, 2)), x.var((0, 1, 2))
    gamma, beta = to_numpy(block.norm1.gamma), to_numpy(block.norm1.beta)
    h = np.maximum((x - means) / np.sqrt(variances + 1e-5) * gamma + beta, 0)
    expected = h @ to_numpy(block.shortcut_conv.kernel)[0, 0]

    shortcut, _ = block.branches(x, training=True)
    np.testing.assert_allclose(to_numpy(shortcut), expected, **TOLERANCE)
    # The norm that both branches read was updated once.
    moving_mean = to_numpy(block.norm1.moving_mean)
    np.testing.assert_allclose(moving_mean, 0.9 * start + 0.1 * means, **TOLERANCE)


def test_bn_projection_is_normalized_once():
    x = images(8, 5, 5, 3)
    block = blocks.BatchNormResidualBlock(4, strides=2)
    block.build(x.shape)
    fill(block)
    start = to_numpy(block.shortcut_norm.moving_mean)
    projected = x[:, ::2, ::2] @ to_numpy(block.shortcut_conv.kernel)[0, 0]
    block(x, training=True)
    expected = 0.9 * start + 0.1 * projected.mean((0, 1, 2))
    np.testing.assert_allclose(to_numpy(block.shortcut_norm.moving_mean), expected, **TOLERANCE)
