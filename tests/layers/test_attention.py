"""The attentions compute the same as numpy, in both data formats and in every precision."""

import json

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.layers import EfficientChannelAttention, SqueezeExcitation
from tests.helpers import TOLERANCE, fill, images, needs_channels_first, to_channels_first, to_numpy

LAYERS = {
    "se": SqueezeExcitation(ratio=0.25, divisor=2),
    "filters": SqueezeExcitation(filters=3, activation="silu", gate_activation="hard_sigmoid"),
    "eca": EfficientChannelAttention(),
    "wide": EfficientChannelAttention(kernel_size=5, dtype="bfloat16"),
}
# For 10 channels.
SHAPES = {
    "se": {"squeeze": (1, 1, 10, 2), "excite": (1, 1, 2, 10)},
    "filters": {"squeeze": (1, 1, 10, 3), "excite": (1, 1, 3, 10)},
    "eca": {"conv": (3, 1, 1)},
    "wide": {"conv": (5, 1, 1)},
}


def new(name, /, **kwargs):
    return type(LAYERS[name]).from_config({**LAYERS[name].get_config(), **kwargs})


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def expected(name, layer, x):
    weights = [to_numpy(weight) for weight in layer.weights]
    means = x.mean((1, 2))
    if "eca" in name or "wide" in name:
        gates = [np.convolve(row, weights[0][::-1, 0, 0], mode="same") for row in means]
        return x * sigmoid(np.array(gates))[:, None, None]
    squeeze, squeeze_bias, excite, excite_bias = weights
    h = means @ squeeze[0, 0] + squeeze_bias
    h = h * sigmoid(h) if name == "filters" else np.maximum(h, 0)
    h = h @ excite[0, 0] + excite_bias
    gate = np.clip(h / 6 + 0.5, 0, 1) if name == "filters" else sigmoid(h)
    return x * gate[:, None, None]


@pytest.mark.parametrize("name", LAYERS)
def test_formula_and_weights(name):
    x = images(2, 7, 6, 10)
    layer = new(name, name="mine", dtype="float32")
    assert layer(keras.Input((None, None, 10))).shape == (None, None, None, 10)
    fill(layer)
    kernels = {w.path: tuple(w.shape) for w in layer.weights if w.name == "kernel"}
    assert kernels == {f"mine/{child}/kernel": shape for child, shape in SHAPES[name].items()}
    assert layer.compute_output_shape(x.shape) == x.shape
    np.testing.assert_allclose(to_numpy(layer(x)), expected(name, layer, x), **TOLERANCE)


@needs_channels_first
@pytest.mark.parametrize("name", LAYERS)
def test_channels_first(name):
    x = images(2, 7, 6, 10)
    layer = new(name, data_format="channels_first", dtype="float32")
    actual = to_numpy(fill_built(layer, (2, 10, 7, 6))(to_channels_first(x)))
    np.testing.assert_allclose(actual, to_channels_first(expected(name, layer, x)), **TOLERANCE)


def fill_built(layer, shape):
    layer.build(shape)
    return fill(layer)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_means_are_computed_in_float32(name, policy):
    # 100 × 100 pixels of 60 are more than float16 holds, and more than bfloat16 resolves.
    x = 60 + images(1, 100, 100, 10)
    layer = fill_built(new(name, dtype=policy), x.shape)
    means = layer.means(keras.ops.cast(x, layer.compute_dtype))
    assert keras.backend.standardize_dtype(means.dtype) == layer.compute_dtype
    np.testing.assert_allclose(to_numpy(means), x.mean((1, 2), keepdims=True), rtol=2**-7)
    output = layer(x)
    assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype
    assert np.isfinite(to_numpy(output)).all()


@pytest.mark.parametrize("name", LAYERS)
def test_config_round_trip(name):
    layer = new(name, name="mine")
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    revived = keras.saving.deserialize_keras_object(serialized)
    assert type(revived) is type(layer)
    assert revived.get_config() == layer.get_config()


def test_a_model_keeps_weights_and_frozen_ones(tmp_path):
    inputs = keras.Input((6, 6, 10))
    layers = [krp.layers.SqueezeExcitation(ratio=0.5), krp.layers.EfficientChannelAttention()]
    model = fill(keras.Model(inputs, layers[1](layers[0](inputs))))
    layers[0].squeeze.trainable = False
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = images(2, 6, 6, 10)
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(model(x)))
    learns = [weight.path.split("/", 1)[1] for weight in loaded.trainable_weights]
    assert learns == ["excite/kernel", "excite/bias", "conv/kernel"]


@pytest.mark.parametrize(
    ("channels", "options", "width"),
    [
        # timm's `make_divisible(channels * ratio, divisor, round_limit=0)`.
        (64, {}, 8),
        (2048, {}, 128),
        (256, {"ratio": 0.25}, 64),
        (72, {"ratio": 0.25}, 16),
        (80, {"ratio": 0.25}, 24),
        (12, {"ratio": 0.5, "divisor": 1}, 6),
        (64, {"filters": 5}, 5),
    ],
)
def test_squeezed_width(channels, options, width):
    layer = SqueezeExcitation(**options)
    layer.build((None, None, None, channels))
    assert layer.squeeze.filters == width


@pytest.mark.parametrize(
    ("channels", "size"), [(4, 3), (64, 3), (256, 5), (512, 5), (1024, 5), (2048, 7)]
)
def test_kernel_size_follows_the_channels(channels, size):
    layer = EfficientChannelAttention()
    layer.build((None, None, None, channels))
    assert layer.conv.kernel_size == (size,)


@pytest.mark.parametrize(
    ("cls", "name", "value", "rule"),
    [
        (SqueezeExcitation, "ratio", 0, "must be a positive number"),
        (SqueezeExcitation, "ratio", "1/4", "must be a positive number"),
        (SqueezeExcitation, "divisor", 0, "must be a positive integer"),
        (SqueezeExcitation, "filters", 1.5, "must be a positive integer"),
        (SqueezeExcitation, "gate_activation", "gate", "must be the name of a Keras activation"),
        (SqueezeExcitation, "data_format", "nhwc", "must be one of 'channels_last'"),
        (EfficientChannelAttention, "kernel_size", 4, "must be a positive odd integer"),
    ],
)
def test_invalid_arguments_are_refused(cls, name, value, rule):
    with pytest.raises(ValueError, match=f"`{name}` {rule}.*Received: {name}={value!r}"):
        cls(**{name: value})
