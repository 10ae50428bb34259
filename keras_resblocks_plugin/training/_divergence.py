"""Errors for losses, weights and predictions that are not finite."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np


class Diverged(ValueError):
    """A loss, a weight or a prediction that is not finite."""


class StopAtDivergence(keras.callbacks.Callback):
    """Ends training at the first loss that is not finite.

    List it before callbacks that write files, such as a backup.

    Args:
        steps_per_epoch: Steps an epoch.
        done: Finished steps of the first epoch, if it resumes.

    Raises:
        Diverged: While training. The error names the step and its learning rate.
    """

    def __init__(self, steps_per_epoch: int, done: int = 0):
        super().__init__()
        self.steps_per_epoch = steps_per_epoch
        self.done = done

    def on_epoch_begin(self, epoch, logs=None):
        self.step = self.first = epoch * self.steps_per_epoch + self.done
        self.done = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.step = self.first + batch

    def on_train_batch_end(self, batch, logs=None):
        # The logs are means over the epoch, which stay non-finite once they are.
        self._check(logs)

    def on_epoch_end(self, epoch, logs=None):
        # Now with the figures of the validation data.
        self._check(logs)

    def _check(self, logs: Mapping[str, float] | None) -> None:
        for name, value in (logs or {}).items():
            if not np.isfinite(value).all():
                raise self.error(f"`{name}` is {float(value)}")

    def error(self, what: str) -> Diverged:
        """Returns an error that names the current step."""
        # Loss scaling wraps the optimizer with the schedule.
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        # On JAX the optimizer's count is not updated between steps. The schedule needs it, and
        # changing it does no harm, as the training is over. `iterations` may be computed of it.
        optimizer.variables[0].assign(self.step)
        return Diverged(
            f"Training diverged at step {self.step + 1}, in epoch "
            f"{self.step // self.steps_per_epoch + 1}, with a learning rate of "
            f"{float(optimizer.learning_rate):g}: {what}. Nothing was saved. Train with a "
            "smaller learning rate or a longer warm-up, from the start in another folder."
        )


def fit(
    model: keras.Model,
    batches: Iterable[Any],
    steps_per_epoch: int,
    epochs: int = 1,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    done: int = 0,
    **kwargs: Any,
) -> None:
    """Trains, and stops with an error if a loss is not finite.

    Args:
        model: A compiled model.
        batches: Endless shuffled batches.
        steps_per_epoch: Batches an epoch.
        epochs: The number of epochs.
        callbacks: Called after each loss was found to be finite.
        done: Finished batches of an epoch that resumes. It is the only one then.
        **kwargs: Other arguments of `keras.Model.fit`.

    Raises:
        Diverged: At the first loss that is not finite.
    """
    stop = StopAtDivergence(steps_per_epoch, done)
    try:
        model.fit(
            batches,
            steps_per_epoch=steps_per_epoch - done,
            epochs=epochs,
            shuffle=False,
            callbacks=[stop, *callbacks],
            **kwargs,
        )
    except RuntimeError as error:
        # PyTorch's cross-entropy refuses NaN before there is a loss.
        if "should be between 0 and 1" in str(error):
            raise stop.error("the loss cannot be computed") from error
        raise


def check_predictions(predictions: np.ndarray, what: str = "The model's predictions") -> None:
    """Checks that predictions are finite.

    Raises:
        Diverged: If one is not finite.
    """
    values = np.asarray(predictions)
    # NumPy does not treat `bfloat16` as a float.
    bad = ~np.isfinite(values.astype("float32")).reshape(len(values), -1).all(axis=1)
    if bad.any():
        raise Diverged(
            f"{what} must be finite to be measured. Received: NaN or infinity for {bad.sum()} of "
            f"{len(values)} images. Either the weights come from a training that diverged, or "
            "values overflow for these images."
        )


def check_weights(model: keras.Model) -> None:
    """Checks that all weights are finite.

    Raises:
        Diverged: If one is not.
    """
    bad = [
        weight.path
        for weight in model.weights
        if not np.isfinite(keras.ops.convert_to_numpy(weight).astype("float32")).all()
    ]
    if bad:
        raise Diverged(
            f"The weights must be finite. Received: NaN or infinity in {len(bad)} of "
            f"{len(model.weights)}, the first `{bad[0]}`. The training diverged."
        )
