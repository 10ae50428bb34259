"""Optimizers, schedules and losses compared in numbers with PyTorch's and timm's."""

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.training._losses import BinaryCrossEntropy
from keras_resblocks_plugin.training._optimizer import warmup_and_cosine_decay
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
TIMM = dict(warmup_epochs=5, warmup_prefix=False, final_rate=1e-6, by_epoch=True)
LOSSES = {
    "soft_cross_entropy": keras.losses.CategoricalCrossentropy(from_logits=True),
    "smoothed_cross_entropy": keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.1
    ),
    "bce": BinaryCrossEntropy(),
    "bce_threshold": BinaryCrossEntropy(target_threshold=0.2),
    "timm_smoothed_cross_entropy": keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.1
    ),
    "timm_smoothed_bce": BinaryCrossEntropy(0.1),
    "timm_smoothed_bce_threshold": BinaryCrossEntropy(0.1, target_threshold=0.2),
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


SCHEDULES = {
    "he2015": (0.1, 90, dict(decay="step", step_epochs=[30, 60], by_epoch=True)),
    "goyal2017": (
        *(3.2, 90),
        dict(decay="step", step_epochs=[30, 60, 80], warmup_epochs=5, warmup_start=1 / 32),
    ),
    "torchvision_v2": (0.5, 600, dict(warmup_epochs=5, warmup_start=0.01, by_epoch=True)),
    "a1": (5e-3, 600, dict(warmup_start=0.02, **TIMM)),
    "a2": (5e-3, 300, dict(warmup_start=0.02, **TIMM)),
    "a3": (8e-3, 100, dict(warmup_start=0.0125, **TIMM)),
    "mlperf_tiny": (1e-3, 500, dict(decay="exponential", factor=0.99, by_epoch=True)),
    "cosine_by_step": (0.15, 40, dict(warmup_epochs=2)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_rate_of_each_step(golden, name):
    rate, epochs, settings = SCHEDULES[name]
    schedule = EpochSchedule(rate, STEPS_PER_EPOCH, epochs, **settings)
    found = to_numpy(schedule(np.arange(epochs * STEPS_PER_EPOCH)))
    # The cosine is rounded to float32 near 1, also where the rate is close to 0.
    np.testing.assert_allclose(found, golden[f"rate/{name}"], rtol=1e-5, atol=1e-7 * rate)
    restored = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(schedule)
    )
    assert restored.get_config() == schedule.get_config()
    accumulated = AccumulatedSchedule(restored, 4)
    np.testing.assert_array_equal(to_numpy(accumulated(np.arange(8))), np.repeat(found[:2], 4))


def test_the_rate_of_each_step_by_keras_own_cosine(golden):
    schedule = warmup_and_cosine_decay(0.15, 40 * STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH)
    found = [float(schedule(step)) for step in range(40 * STEPS_PER_EPOCH)]
    np.testing.assert_allclose(found, golden["rate/cosine_by_step"], rtol=1e-5, atol=1e-7)
