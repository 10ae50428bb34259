"""The optimizer and the training loop of fine-tuning."""

import sys
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin.training import _callbacks, _distribution, _divergence, _runs


def new_optimizer(learning_rate: float, weight_decay: float, steps: int) -> keras.Optimizer:
    """Creates AdamW with a warm-up over a twentieth of the steps and a cosine decay.

    Args:
        learning_rate: The peak learning rate.
        weight_decay: Decoupled weight decay of kernels.
        steps: The number of optimizer steps.
    """
    warmup = steps // 20
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else learning_rate,
        decay_steps=steps - warmup,
        warmup_target=learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def fit(
    model: keras.Model,
    batches: Any,
    steps_per_epoch: int,
    epochs: int,
    folder: Path,
    validation_data: Any = None,
) -> list[dict[str, float]]:
    """Trains a compiled model, or continues its training.

    Args:
        model: The compiled task, without its preprocessor.
        batches: Endless batches.
        steps_per_epoch: The number of batches per epoch.
        epochs: The number of epochs.
        folder: The folder of the run, which has its backup and history.
        validation_data: Held-out batches to watch, if any.

    Returns:
        The metrics of each epoch. Empty in all processes but the first.

    Raises:
        Diverged: At the first loss that is not finite.
    """
    history = folder / _runs.HISTORY
    _divergence.fit(
        model,
        batches,
        steps_per_epoch,
        epochs,
        validation_data=validation_data,
        callbacks=[
            _callbacks.History(history),
            _callbacks.Backup(folder / _runs.BACKUP, steps_per_epoch),
        ],
        verbose=(1 if sys.stdout.isatty() else 2) if _distribution.is_first() else 0,
    )
    return _callbacks.read_history(history) if _distribution.is_first() else []
