"""A training step changes the weights equally on every backend."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.blocks import BiTResidualBlock, BottleneckResidualBlock
from keras_resblocks_plugin.layers import MaxBlurPooling2D, SymmetricConv2D, SymmetricMaxPooling2D
from tests.helpers import TOLERANCE, fill, images

# Written by this module, run as a script with KERAS_BACKEND=tensorflow.
GOLDEN = Path(__file__).parents[1] / "golden" / "training_steps.npz"


def classifier(layers, size=9):
    keras.utils.clear_session()
    x = keras.Input((size, size, 3))
    model = keras.Model(x, keras.layers.Flatten()(keras.Sequential(layers)(x)))
    return fill(model)


MODELS = {
    "block": lambda: [
        BottleneckResidualBlock(2, strides=2, name="block"),
        BottleneckResidualBlock(2, name="second"),
    ],
    "average": lambda: [
        BottleneckResidualBlock(2, strides=2, shortcut="avg_pool", name="block"),
    ],
    "antialiased": lambda: [
        BottleneckResidualBlock(2, strides=2, antialias="blur", attention="se", name="block"),
        MaxBlurPooling2D(name="pool"),
    ],
    "standardized": lambda: [standardized_block()],
    "frozen": lambda: [frozen_block()],
    "dilated": lambda: [SymmetricConv2D(4, 3, dilation_rate=2, name="conv")],
    "grouped": lambda: [
        SymmetricConv2D(6, 5, 2, groups=3, activation="relu", name="conv"),
        SymmetricMaxPooling2D(name="pool"),
    ],
}


def frozen_block():
    block = BottleneckResidualBlock(2, name="block")
    block.build((None, 9, 9, 3))
    block.norm1.freeze_statistics = True
    block.norm2.trainable = False
    return block


def standardized_block():
    block = BiTResidualBlock(4, strides=2, groups=2, name="block")
    block.norm_groups = 1
    return block


def weights_after_training(name):
    """Weights and predictions after two steps of plain gradient descent."""
    model = classifier(MODELS[name]())
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    x = images(4, 9, 9, 3)
    y = images(*model.output_shape[1:])[None].repeat(4, axis=0)
    for _ in range(2):
        model.train_on_batch(x, y)
    arrays = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    return {**arrays, "prediction": model.predict_on_batch(x)}


@pytest.mark.parametrize("name", MODELS)
def test_training_steps_equal_those_of_tensorflow(name):
    with np.load(GOLDEN) as golden:
        expected = {k.split(":")[1]: golden[k] for k in golden.files if k.startswith(f"{name}:")}
    actual = weights_after_training(name)
    assert actual.keys() == expected.keys()
    for path, array in expected.items():
        np.testing.assert_allclose(actual[path], array, **TOLERANCE, err_msg=path)


if __name__ == "__main__":
    arrays = {
        f"{name}:{path}": array
        for name in MODELS
        for path, array in weights_after_training(name).items()
    }
    np.savez_compressed(GOLDEN, **arrays)
