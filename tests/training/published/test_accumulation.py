"""Gradient accumulation: the updates and learning rates of whole batches."""

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training import Optimizer, Schedule, read_recipe
from keras_resblocks_plugin.training._optimizer import compile_classifier, finished_steps
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


def test_accumulate_divides_the_batch():
    recipe = read_recipe("a3", accumulate=8)
    assert (recipe.batch_size, recipe.step_size) == (2048, 256)
    # Updates are whole: 48 of 16,384 images would not make another one.
    assert recipe.steps_per_epoch(50_000) == 24 * 8
    assert recipe.to_dict()["accumulate"] == 8
    with pytest.raises(ValueError, match="`accumulate` must divide `batch_size`"):
        read_recipe("a3", accumulate=3)
