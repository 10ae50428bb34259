"""The optimizer, learning rate and loss with which a recipe trains a classifier."""

import keras

from keras_resblocks_plugin.training._jit_compile import jit_compile
from keras_resblocks_plugin.training._recipe import Optimizer, Schedule


def compile_classifier(
    model: keras.Model,
    schedule: Schedule,
    steps_per_epoch: int,
    optimizer: Optimizer | None = None,
    label_smoothing: float = 0.0,
) -> None:
    """Compiles a classifier for training on one-hot labels.

    Args:
        model: The classifier.
        schedule: The length of the training and the learning rate.
        steps_per_epoch: Steps an epoch.
        optimizer: The settings of SGD, by default those of `Optimizer()`.
        label_smoothing: In `[0, 1)`.
    """
    model.compile(
        _new_optimizer(optimizer or Optimizer(), _new_learning_rate(schedule, steps_per_epoch)),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing),
        metrics=None,
        # Evaluation on several devices fills its batches up with images of weight 0.
        weighted_metrics=["accuracy"],
        jit_compile=jit_compile(),
    )


def _new_learning_rate(
    schedule: Schedule, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup_steps = round(steps_per_epoch * schedule.warmup_epochs)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup_steps else schedule.learning_rate,
        decay_steps=steps_per_epoch * schedule.epochs - warmup_steps,
        warmup_target=schedule.learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )


def _new_optimizer(
    settings: Optimizer, learning_rate: keras.optimizers.schedules.LearningRateSchedule
) -> keras.Optimizer:
    optimizer = keras.optimizers.SGD(
        learning_rate,
        momentum=settings.momentum,
        nesterov=settings.momentum > 0,
        weight_decay=settings.weight_decay,
        use_ema=settings.ema_momentum > 0,
        ema_momentum=settings.ema_momentum or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer
