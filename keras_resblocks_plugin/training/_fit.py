"""The training loop of a run, which is backed up and resumes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import grain
import keras

from keras_resblocks_plugin.training import (
    _callbacks,
    _distribution,
    _divergence,
    _runs,
    _within_epoch,
)
from keras_resblocks_plugin.training._clock import Clock, EpochLogger
from keras_resblocks_plugin.training._preemption import Preemption
from keras_resblocks_plugin.training._progress import Progress
from keras_resblocks_plugin.training.data._batches import Batches, own_errors

# More epochs than a run by the clock has.
_ENDLESS = 1_000_000


def check_batch_size(batch_size: int, count: int) -> None:
    """Checks that the training images fill a batch.

    Args:
        batch_size: Images per step.
        count: The number of training images.

    Raises:
        ValueError: If there are too few.
    """
    if count < batch_size:
        raise ValueError(
            f"`batch_size` must be at most the number of training images, {count}. Lower it, and "
            "the learning rate in proportion, in a TOML file of your own. "
            f"Received: batch_size={batch_size}"
        )


def fit(
    model: keras.Model,
    batches: Batches,
    steps_per_epoch: int,
    epochs: int,
    folder: Path,
    validation_data: grain.MapDataset | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    clock: Clock | None = None,
) -> list[dict[str, float]]:
    """Trains a compiled model, or continues its training as if it had not been interrupted.

    Args:
        model: The compiled model, without its preprocessor.
        batches: Endless batches.
        steps_per_epoch: The number of batches per epoch.
        epochs: The number of epochs. Ignored with a clock.
        folder: The folder of the run, which has its backup and history.
        validation_data: Held-out batches to watch, if any.
        seed: The seed of what the model draws, such as dropout.
        batch_size: Images a step, to print how many a second. By default nothing is printed.
        callbacks: Called after each epoch, before its history and backup are written.
        clock: Ends the run when its time is over, maybe within an epoch.

    Returns:
        The metrics of each epoch. Empty in all processes but the first.

    Raises:
        Diverged: At the first loss that is not finite.
        Preempted: After SIGTERM and a backup.
    """
    history = folder / _runs.HISTORY
    backup = _callbacks.Backup(folder / _runs.BACKUP, clock)
    preemption = Preemption(backup, steps_per_epoch)
    left, first_callbacks, last_callbacks = None, [], []
    if clock is not None:
        epochs, left = _ENDLESS, lambda: clock.left
        first_callbacks, last_callbacks = [clock], [EpochLogger()]
    if batch_size:
        first_callbacks.append(Progress(batch_size, steps_per_epoch, epochs, left))

    def train(step: int, epochs: int) -> None:
        epoch, done = divmod(step, steps_per_epoch)
        stored = None
        # The clock may have ended the run within an epoch.
        if done and epoch < epochs:
            stored = _within_epoch.load(backup.folder, step)
            _within_epoch.build_metrics(model, next(iter(batches.starting_at(step))))
        _divergence.fit(
            model,
            batches.starting_at(step),
            steps_per_epoch,
            epochs,
            initial_epoch=epoch,
            done=done,
            validation_data=validation_data,
            # Keras does not ask grain, and would warn that the data ran out.
            validation_steps=validation_data and len(validation_data),
            callbacks=[
                _callbacks.RandomStates(seed, stored),
                *first_callbacks,
                *callbacks,
                _callbacks.History(history),
                backup,
                preemption,
                *last_callbacks,
            ],
            verbose=(1 if sys.stdout.isatty() else 2) if _distribution.is_first() else 0,
        )

    step = backup.restore(model)
    if clock is not None and step:
        clock.restore(backup.folder)
    with own_errors(batches, validation_data), preemption.handled():
        if step % steps_per_epoch and not _is_over(clock):
            train(step, step // steps_per_epoch + 1)
            # `fit` ends with averaged weights in the model, if the optimizer averages.
            step = backup.restore(model)
        train(step, step // steps_per_epoch if _is_over(clock) else epochs)
    return _callbacks.read_history(history) if _distribution.is_first() else []


def _is_over(clock: Clock | None) -> bool:
    return clock is not None and not clock.left
