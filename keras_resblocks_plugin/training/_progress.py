"""The progress of a training run: images a second, and the time left."""

import datetime
import time
from collections.abc import Callable

import keras

from keras_resblocks_plugin.training import _distribution


class Progress(keras.callbacks.Callback):
    """Adds `images_per_second` to the logs of each epoch, and prints the time left.

    Images of all processes count, while the network trains: not the first call of a process, which
    compiles, nor validation. The time left is that of all epochs, with validation and backups, as
    the last one took. List it before callbacks that write logs.

    Args:
        batch_size: Images a step.
        steps_per_epoch: Steps an epoch.
        epochs: The epochs of the whole run.
        seconds_left: Returns the time left, if it does not depend on the epochs.
    """

    def __init__(
        self,
        batch_size: int,
        steps_per_epoch: int,
        epochs: int,
        seconds_left: Callable[[], float] | None = None,
    ):
        super().__init__()
        self.batch_size, self.steps_per_epoch, self.epochs = batch_size, steps_per_epoch, epochs
        self.seconds_left = seconds_left or self._estimate
        self.images_per_second = None
        # The time of the last step of all.
        self.end = None
        # The time that the first call of validation took, which compiles.
        self.compilation = None

    def on_epoch_begin(self, epoch, logs=None):
        now = time.monotonic()
        if self.images_per_second and _distribution.is_first():
            # Only here, as the line of the epoch ends after `on_epoch_end`.
            self.finished, self.rest = epoch, now - self.end - (self.compilation or 0)
            self.compilation = 0
            left = datetime.timedelta(seconds=round(self.seconds_left()))
            print(f"{self.images_per_second:,.0f} images a second, {left} left", flush=True)
        self.start, self.uncounted = (now if self.end else None), 0

    def on_train_batch_end(self, batch, logs=None):
        # A call of several steps has the index of its last.
        self.end, self.steps = time.monotonic(), batch + 1
        if self.start is None:
            self.start, self.uncounted = self.end, self.steps

    def on_test_begin(self, logs=None):
        self.test_start = time.monotonic()

    def on_test_batch_end(self, batch, logs=None):
        if self.compilation is None:
            self.compilation = time.monotonic() - self.test_start

    def on_epoch_end(self, epoch, logs=None):
        steps = self.steps - self.uncounted
        # Without a step after the first call, only the next epoch tells.
        if steps:
            self.images_per_second = steps * self.batch_size / (self.end - self.start)
            logs["images_per_second"] = round(self.images_per_second, 1)

    def _estimate(self) -> float:
        training = self.steps_per_epoch * self.batch_size / self.images_per_second
        return (self.epochs - self.finished) * (training + self.rest)
