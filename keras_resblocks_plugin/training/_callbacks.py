"""The callbacks of a training run: its backup and its history."""

import json
import time
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin._utils._kerashub import start_at_epoch
from keras_resblocks_plugin.training import _distribution


class Backup(keras.callbacks.BackupAndRestore):
    """Backs up every epoch, and resumes whatever state a kill left behind.

    Where the last backup cannot be read it goes back to the previous one, and where neither can
    it starts anew. It takes the epoch from the optimizer's step count: a kill between Keras' two
    files leaves new weights with an old epoch. Of several processes the first alone writes, and
    all go on from what it has.
    """

    def __init__(self, folder: Path, steps_per_epoch: int):
        super().__init__(str(folder), double_checkpoint=True, delete_checkpoint=False)
        self.folder = folder
        self.steps_per_epoch = steps_per_epoch

    def on_train_begin(self, logs=None):
        optimizer = self.model.optimizer
        optimizer.build(self.model.trainable_variables)
        variables = [*self.model.variables, *optimizer.variables]
        start = [np.copy(keras.ops.convert_to_numpy(variable)) for variable in variables]
        for name in ("latest.weights.h5", "latest.weights.h5.bkp"):
            try:
                with _distribution.from_first(self.folder / name) as file:
                    self.model.load_weights(file)
                break
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError) as error:
                warnings.warn(f"The backup {name} cannot be read: {error}", stacklevel=2)
                if _distribution.is_first():
                    # Else the next backup would move it over the previous one.
                    (self.folder / name).replace(self.folder / f"{name}.unreadable")
        else:
            for variable, value in zip(variables, start, strict=True):
                variable.assign(value)
        start_at_epoch(self.model, int(optimizer.iterations) // self.steps_per_epoch)

    def on_epoch_end(self, epoch, logs=None):
        if _distribution.is_first():
            with _distribution.alone():
                super().on_epoch_end(epoch, logs)


class History(keras.callbacks.Callback):
    """Appends each epoch's figures and seconds to a file of JSON lines."""

    def __init__(self, file: Path):
        super().__init__()
        self.file = file

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        figures = {name: round(float(value), 5) for name, value in logs.items()}
        figures["learning_rate"] = round(float(self.model.optimizer.learning_rate), 7)
        seconds = round(time.monotonic() - self.start, 1)
        if not _distribution.is_first():
            return
        with self.file.open("a") as stream:
            stream.write(to_json({"epoch": epoch + 1, **figures, "seconds": seconds}) + "\n")


def read_history(file: Path) -> list[dict]:
    """The epochs in order; of one that a kill made repeat, the last."""
    epochs = {}
    for line in file.read_text().splitlines():
        # A kill can leave half a line.
        if line.endswith("}"):
            figures = json.loads(line)
            epochs[figures["epoch"]] = figures
    return [epochs[epoch] for epoch in sorted(epochs)]
