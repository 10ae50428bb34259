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
    learning_rate = warmup_and_cosine_decay(
        schedule.learning_rate,
        steps_per_epoch * schedule.epochs,
        round(steps_per_epoch * schedule.warmup_epochs),
    )
    model.compile(
        _new_sgd(optimizer or Optimizer(), learning_rate),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing),
        metrics=None,
        # Evaluation on several devices fills its batches up with images of weight 0.
        weighted_metrics=["accuracy"],
        jit_compile=jit_compile(),
    )


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


def _new_sgd(
    settings: Optimizer, learning_rate: keras.optimizers.schedules.LearningRateSchedule
) -> keras.Optimizer:
    return decay_only_kernels(
        keras.optimizers.SGD(
            learning_rate,
            momentum=settings.momentum,
            nesterov=settings.momentum > 0,
            weight_decay=settings.weight_decay,
            use_ema=settings.ema_momentum > 0,
            ema_momentum=settings.ema_momentum or 0.99,
        )
    )
