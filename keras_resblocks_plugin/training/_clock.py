"""Training for a number of minutes, in place of epochs."""

import json
import time
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._jsonfile import write_json
from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._optimizer import new_epoch_schedule
from keras_resblocks_plugin.training._recipe import Schedule

_FILE = "clock.json"
# How often the learning rate changes in a run. On JAX, setting it copies all variables.
_CHANGES = 1000


class Clock(keras.callbacks.Callback):
    """Ends training when its time is over. The learning rate follows the clock.

    After a share of the time, the rate is that of the schedule after the same share of its epochs.
    Time counts while training, from the first `fit`, with validation and backups. A resumed run
    continues from the time that its backup has. The model needs a learning rate that can be set.

    Args:
        minutes: The time.
        schedule: The learning rate.

    Raises:
        ValueError: If several processes train, which would end after different steps.
    """

    def __init__(self, minutes: float, schedule: Schedule):
        super().__init__()
        processes = _distribution.place()[1]
        if processes > 1:
            raise ValueError(
                "`minutes` needs a single process, of any number of devices. Use `epochs` with "
                f"several. Received: {processes} processes"
            )
        self.seconds = 60 * minutes
        # Of a run with so many updates an epoch, those after equal shares of all.
        updates = np.arange(_CHANGES + 1) * schedule.epochs
        rates = new_epoch_schedule(schedule, _CHANGES)(updates)
        self.rates = keras.ops.convert_to_numpy(rates).tolist()
        # The instant at which the time began, and the seconds of earlier processes.
        self.start, self.earlier = None, 0.0
        # The index of the current rate.
        self.current = None

    @property
    def elapsed(self) -> float:
        """The seconds of training so far."""
        return self.earlier + (0.0 if self.start is None else time.monotonic() - self.start)

    @property
    def left(self) -> float:
        """The seconds left."""
        return max(0.0, self.seconds - self.elapsed)

    def store(self, folder: Path) -> None:
        """Stores the elapsed time. It belongs to a backup, and is written before its weights."""
        write_json(folder / _FILE, {"seconds": round(self.elapsed, 3)})

    def restore(self, folder: Path) -> None:
        """Continues from the stored time."""
        if self.start is None and (folder / _FILE).exists():
            self.earlier = json.loads((folder / _FILE).read_text())["seconds"]

    def on_train_begin(self, logs=None):
        if self.start is None:
            self.start = time.monotonic()
        self.current = None

    def on_train_batch_begin(self, batch, logs=None):
        index = round(_CHANGES * min(1.0, self.elapsed / self.seconds))
        if index != self.current:
            self.model.optimizer.learning_rate = self.rates[index]
            self.current = index

    def on_train_batch_end(self, batch, logs=None):
        self._end_in_time()

    def on_epoch_end(self, epoch, logs=None):
        self._end_in_time()

    def _end_in_time(self):
        if not self.left:
            self.model.stop_training = True


class EpochLogger(keras.callbacks.ProgbarLogger):
    """Prints the number of each epoch, but not that of all, which nobody knows. List it last."""

    def set_params(self, params):
        super().set_params({**params, "epochs": 1})

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        print(f"Epoch {epoch + 1}", flush=True)
