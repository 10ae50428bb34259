"""Optimizers, schedules and losses compared in numbers with PyTorch's and timm's."""

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training import Schedule, read_recipe, recipe_names
from keras_resblocks_plugin.training._optimizer import new_loss, new_schedule
from keras_resblocks_plugin.training.optimizers._adam import CoupledAdam
from keras_resblocks_plugin.training.optimizers._lamb import TimmLamb
from keras_resblocks_plugin.training.optimizers._schedules import (
    AccumulatedSchedule,
    EpochSchedule,
)
from keras_resblocks_plugin.training.optimizers._sgd import TorchSGD
from tests.convert.timm_import import import_timm
from tests.helpers import to_numpy
from tests.training.published import arithmetic
from tests.training.published.arithmetic import GOLDEN, NO_DECAY, STEPS_PER_EPOCH

OPTIMIZERS = {
    "sgd": lambda: TorchSGD(0.1, weight_decay=1e-2, no_decay=NO_DECAY),
    "sgd_nesterov": lambda: TorchSGD(0.1, nesterov=True, weight_decay=1e-2, no_decay=NO_DECAY),
    "sgd_all_decay": lambda: TorchSGD(0.1, weight_decay=1e-2),
    "sgd_plain": lambda: TorchSGD(0.1, momentum=0.0, weight_decay=1e-2, no_decay=NO_DECAY),
    "adam": lambda: CoupledAdam(0.1, epsilon=1e-10, weight_decay=1e-2, no_decay=NO_DECAY),
    "adamw": lambda: _without_decay_of(
        keras.optimizers.AdamW(0.1, epsilon=1e-10, weight_decay=1e-2)
    ),
    "lamb": lambda: TimmLamb(0.1, weight_decay=2e-2, no_decay=NO_DECAY),
    "lamb_no_clip": lambda: TimmLamb(
        0.1, weight_decay=2e-2, no_decay=NO_DECAY, global_clipnorm=None
    ),
}
LOSSES = {
    "soft_cross_entropy": new_loss(),
    "smoothed_cross_entropy": new_loss(label_smoothing=0.1),
    "bce": new_loss("binary_cross_entropy"),
    "bce_threshold": new_loss("binary_cross_entropy", target_threshold=0.2),
    "timm_smoothed_cross_entropy": new_loss(label_smoothing=0.1),
    "timm_smoothed_bce": new_loss("binary_cross_entropy", 0.1),
    "timm_smoothed_bce_threshold": new_loss("binary_cross_entropy", 0.1, target_threshold=0.2),
}


def _without_decay_of(optimizer):
    optimizer.exclude_from_weight_decay(var_names=list(NO_DECAY))
    return optimizer


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN)


def test_golden_numbers_are_those_of_pytorch_and_timm(golden):
    import_timm()
    found = arithmetic.everything()
    assert set(found) == set(golden)
    for name, expected in found.items():
        np.testing.assert_allclose(golden[name], expected, rtol=1e-6, atol=1e-7, err_msg=name)


def updates(optimizer, steps=arithmetic.STEPS):
    """The weights after each update."""
    variables = [keras.Variable(x, name=n) for n, x in arithmetic.initial_weights().items()]
    optimizer.build(variables)
    after = []
    for step, rate in enumerate(arithmetic.RATES[:steps]):
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.convert_to_tensor(x) for x in arithmetic.gradients(step)])
        after.append(arithmetic.flat([to_numpy(x) for x in variables]))
    return np.stack(after)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_twenty_updates(golden, name):
    found = updates(OPTIMIZERS[name]())
    np.testing.assert_allclose(found, golden[f"optimizer/{name}"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["sgd_nesterov", "adam", "lamb"])
def test_an_optimizer_of_the_same_config_updates_alike(name):
    optimizer = OPTIMIZERS[name]()
    config = keras.optimizers.serialize(optimizer)
    restored = keras.optimizers.deserialize(config)
    assert restored.get_config() == optimizer.get_config()
    np.testing.assert_array_equal(updates(restored, 3), updates(optimizer, 3))


def test_exclusions_by_keras_own_method():
    optimizer = TorchSGD(0.1, weight_decay=1e-2)
    optimizer.exclude_from_weight_decay(var_names=list(NO_DECAY))
    np.testing.assert_array_equal(updates(optimizer, 2), updates(OPTIMIZERS["sgd"](), 2))
    with pytest.raises(ValueError, match="`var_list` must be empty"):
        optimizer.exclude_from_weight_decay(var_list=[keras.Variable(0.0)])


def test_keras_own_optimizers_differ(golden):
    sgd = _without_decay_of(keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=1e-2))
    lamb = _without_decay_of(keras.optimizers.Lamb(0.1, weight_decay=2e-2, global_clipnorm=1.0))
    for name, optimizer in {"sgd": sgd, "lamb": lamb}.items():
        assert np.abs(updates(optimizer, 4) - golden[f"optimizer/{name}"][:4]).max() > 1e-3


@pytest.mark.parametrize("name", LOSSES)
def test_losses_on_mixed_labels(golden, name):
    logits, labels = arithmetic.mixed_labels()
    if name.startswith("timm"):
        labels = np.eye(5, dtype="float32")[arithmetic.LABELS]
        labels = 0.7 * labels + 0.3 * labels[::-1]
    found = to_numpy(LOSSES[name](labels, logits))
    np.testing.assert_allclose(found, golden[f"loss/{name}"], rtol=1e-5)


@pytest.mark.parametrize("name", [*recipe_names(), "cosine_by_step"])
def test_the_rate_of_each_step(golden, name):
    own = Schedule(learning_rate=0.15, epochs=40, warmup_epochs=2)
    settings = own if name == "cosine_by_step" else read_recipe(name).schedule
    schedule = new_schedule(settings, STEPS_PER_EPOCH)
    if name == "cosine_by_step":
        # Keras' own cosine takes one step at a time.
        found = np.array([float(schedule(x)) for x in range(40 * STEPS_PER_EPOCH)])
    else:
        found = to_numpy(schedule(np.arange(settings.epochs * STEPS_PER_EPOCH)))
    # The cosine is rounded to float32 near 1, also where the rate is close to 0.
    peak = settings.learning_rate
    np.testing.assert_allclose(found, golden[f"rate/{name}"], rtol=1e-5, atol=1e-7 * peak)
    accumulated = AccumulatedSchedule(schedule, 4)
    assert [float(accumulated(x)) for x in (3, 4, 11)] == pytest.approx(found[[0, 1, 2]])
    restored = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(accumulated)
    )
    assert restored.get_config() == accumulated.get_config()


def test_a_cosine_by_the_step_is_keras_own(golden):
    schedule = EpochSchedule(0.15, STEPS_PER_EPOCH, 40, warmup_epochs=2)
    found = to_numpy(schedule(np.arange(40 * STEPS_PER_EPOCH)))
    np.testing.assert_allclose(found, golden["rate/cosine_by_step"], rtol=1e-5, atol=1e-8)
