"""Gradient accumulation: the updates and learning rates of whole batches."""

import itertools

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training import Optimizer, Schedule, read_recipe
from keras_resblocks_plugin.training._optimizer import (
    compile_classifier,
    finished_steps,
    new_optimizer,
)
from tests.helpers import to_numpy

SCHEDULE = Schedule(
    epochs=3, learning_rate=0.1, warmup_epochs=1, warmup_start=0.1, learning_rate_decay="step",
    step_epochs=[2],
)  # fmt: skip


def trained(accumulate, optimizer):
    """The weights after three epochs of two batches of 8."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 5)), np.eye(3)[rng.integers(0, 3, 16)]
    steps = 2 * accumulate
    compile_classifier(model, SCHEDULE, steps, optimizer, accumulate=accumulate)
    model.fit(x, y, batch_size=16 // steps, epochs=3, shuffle=False, verbose=0)
    assert finished_steps(model.optimizer) == 3 * steps
    return [to_numpy(weight) for weight in model.weights]


@pytest.mark.parametrize("name", ["torch_sgd", "lamb"])
def test_accumulated_batches_update_as_one(name):
    optimizer = Optimizer(optimizer=name, clip_norm=1.0, weight_decay=0.01)
    for whole, parts in zip(trained(1, optimizer), trained(4, optimizer), strict=True):
        np.testing.assert_allclose(parts, whole, rtol=1e-5, atol=1e-6)


def updates(accumulate, gradients):
    """A weight after each update, and its average at the end."""
    rate = keras.optimizers.schedules.PolynomialDecay(0.1, 5)
    optimizer = new_optimizer(Optimizer(optimizer="torch_sgd", ema_momentum=0.7), rate, accumulate)
    weight = keras.Variable(np.ones(3), dtype="float32", name="kernel")
    found = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [weight])
        found.append(to_numpy(weight))
    optimizer.finalize_variable_values([weight])
    return found[accumulate - 1 :: accumulate], to_numpy(weight)


def test_averaged_weights_of_accumulated_batches():
    gradients = np.random.default_rng(0).normal(size=(5, 4, 3)).astype("float32")
    whole, average = updates(1, gradients.mean(1))
    parts, average_of_parts = updates(4, gradients.reshape(-1, 3))
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
    # Keras averages after each batch: three times before the next update, and once after it.
    momentum = 0.7**0.25
    expected = expected_of_parts = whole[0]
    for before, after in itertools.pairwise(whole):
        expected = 0.7 * expected + 0.3 * after
        waited = momentum**3 * expected_of_parts + (1 - momentum**3) * before
        expected_of_parts = momentum * waited + (1 - momentum) * after
    np.testing.assert_allclose(average, expected, rtol=1e-5)
    np.testing.assert_allclose(average_of_parts, expected_of_parts, rtol=1e-5)


def test_accumulate_divides_the_batch():
    recipe = read_recipe("a3", accumulate=8)
    assert (recipe.batch_size, recipe.step_size) == (2048, 256)
    # Updates are whole: 48 of 16,384 images would not make another one.
    assert recipe.steps_per_epoch(50_000) == 24 * 8
    assert recipe.to_dict()["accumulate"] == 8
    with pytest.raises(ValueError, match="`accumulate` must divide `batch_size`"):
        read_recipe("a3", accumulate=3)
