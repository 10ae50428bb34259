"""The optimizer, learning rate and loss with which a recipe trains a classifier."""

from typing import Any

import keras

from keras_resblocks_plugin.training._jit_compile import jit_compile
from keras_resblocks_plugin.training._losses import BinaryCrossEntropy
from keras_resblocks_plugin.training._recipe import Optimizer, Schedule
from keras_resblocks_plugin.training.optimizers._adam import CoupledAdam
from keras_resblocks_plugin.training.optimizers._lamb import TimmLamb
from keras_resblocks_plugin.training.optimizers._schedules import (
    AccumulatedSchedule,
    EpochSchedule,
)
from keras_resblocks_plugin.training.optimizers._sgd import TorchSGD

_OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "torch_sgd": TorchSGD,
    "adam": CoupledAdam,
    "adamw": keras.optimizers.AdamW,
    "lamb": TimmLamb,
}


def compile_classifier(
    model: keras.Model,
    schedule: Schedule,
    steps_per_epoch: int,
    optimizer: Optimizer | None = None,
    label_smoothing: float = 0.0,
    loss: str = "cross_entropy",
    target_threshold: float = 0.0,
    accumulate: int = 1,
    by_clock: bool = False,
) -> None:
    """Compiles a classifier for training on one-hot labels.

    Args:
        model: The classifier.
        schedule: The length of the training and the learning rate.
        steps_per_epoch: Steps an epoch: batches, of which `accumulate` make an update.
        optimizer: The settings of the optimizer, by default those of `Optimizer()`.
        label_smoothing: In `[0, 1)`.
        loss: `"cross_entropy"` or `"binary_cross_entropy"`.
        target_threshold: Of binary cross-entropy.
        accumulate: Batches per update.
        by_clock: Whether a `Clock` sets the learning rate.
    """
    rate = float(schedule.learning_rate)
    if not by_clock:
        rate = new_schedule(schedule, steps_per_epoch // accumulate)
    model.compile(
        new_optimizer(optimizer or Optimizer(), rate, accumulate),
        new_loss(loss, label_smoothing, target_threshold),
        metrics=None,
        # Evaluation on several devices fills its batches up with images of weight 0.
        weighted_metrics=["accuracy"],
        jit_compile=jit_compile(),
    )


def new_loss(
    loss: str = "cross_entropy", label_smoothing: float = 0.0, target_threshold: float = 0.0
) -> keras.losses.Loss:
    """Creates the loss on logits and one-hot or mixed labels."""
    if loss == "binary_cross_entropy":
        return BinaryCrossEntropy(label_smoothing, target_threshold)
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)


def new_schedule(
    schedule: Schedule, updates_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Creates the learning rate of each update."""
    if schedule == Schedule(
        epochs=schedule.epochs,
        learning_rate=schedule.learning_rate,
        warmup_epochs=schedule.warmup_epochs,
        shortened_from=schedule.shortened_from,
    ):
        # Keras' own schedule covers what the first recipes need.
        return warmup_and_cosine_decay(
            schedule.learning_rate,
            updates_per_epoch * schedule.epochs,
            round(updates_per_epoch * schedule.warmup_epochs),
        )
    return new_epoch_schedule(schedule, updates_per_epoch)


def new_epoch_schedule(schedule: Schedule, updates_per_epoch: int) -> EpochSchedule:
    """Creates the learning rate of each update, or of an array of updates."""
    return EpochSchedule(
        schedule.learning_rate,
        updates_per_epoch,
        schedule.epochs,
        decay=schedule.learning_rate_decay,
        step_epochs=schedule.step_epochs,
        factor=schedule.learning_rate_factor,
        warmup_epochs=schedule.warmup_epochs,
        warmup_start=schedule.warmup_start,
        warmup_prefix=schedule.warmup_prefix,
        final_rate=schedule.final_learning_rate,
        by_epoch=schedule.by_epoch,
    )


def new_optimizer(
    settings: Optimizer,
    learning_rate: keras.optimizers.schedules.LearningRateSchedule | float,
    accumulate: int = 1,
) -> keras.Optimizer:
    """Creates the optimizer of a recipe.

    Args:
        settings: Its settings.
        learning_rate: The rate of each update, or one that a callback sets.
        accumulate: The batches whose gradients an update sums.
    """
    arguments: dict[str, Any] = {
        "weight_decay": settings.weight_decay,
        "use_ema": settings.ema_momentum > 0,
        # Keras averages after each batch.
        "ema_momentum": (settings.ema_momentum or 0.99) ** (1 / accumulate),
        "global_clipnorm": settings.clip_norm or None,
    }
    if settings.optimizer in ("sgd", "torch_sgd"):
        nesterov = settings.nesterov and settings.momentum > 0
        arguments |= {"momentum": settings.momentum, "nesterov": nesterov}
    if accumulate > 1:
        if not isinstance(learning_rate, float):
            learning_rate = AccumulatedSchedule(learning_rate, accumulate)
        arguments["gradient_accumulation_steps"] = accumulate
    optimizer = _OPTIMIZERS[settings.optimizer](learning_rate, **arguments)
    optimizer.exclude_from_weight_decay(var_names=list(settings.no_decay))
    return optimizer


def finished_steps(optimizer: keras.Optimizer) -> int:
    """Returns the number of batches that an optimizer has seen.

    Its `iterations` are updates, each of which may sum the gradients of several batches. Its first
    variable counts the batches.
    """
    accumulates = optimizer.gradient_accumulation_steps
    return int(optimizer.variables[0] if accumulates else optimizer.iterations)


def warmup_and_cosine_decay(
    learning_rate: float, steps: int, warmup_steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Creates a schedule that rises linearly from 0 to the peak and falls to 0 by a cosine.

    Args:
        learning_rate: The peak learning rate.
        steps: The number of all steps.
        warmup_steps: The number of steps until the peak; 0 to start at it.
    """
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else learning_rate,
        decay_steps=steps - warmup_steps,
        warmup_target=learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )


def decay_only_kernels(optimizer: keras.Optimizer) -> keras.Optimizer:
    """Excludes biases and the weights of normalization from weight decay; returns the optimizer."""
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer
