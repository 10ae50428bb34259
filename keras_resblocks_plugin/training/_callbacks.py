"""Callbacks of a training run: `Backup`, from which a killed run resumes, and `History`."""

import json
import time
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin._utils._kerashub import start_at_epoch
from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._optimizer import finished_steps


class Backup(keras.callbacks.BackupAndRestore):
    """Backs up the model after every epoch, and resumes from the last readable backup.

    If the last backup cannot be read, the run resumes from the previous one, and if neither can,
    it starts from the beginning. The epoch is computed from the optimizer's step count, as a kill
    between the writing of Keras' two files leaves new weights with an old epoch. Of several
    processes only the first writes backups, and all resume from them.

    Args:
        folder: The folder of the backups.
        steps_per_epoch: Steps an epoch.
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
                    # Otherwise the next backup would replace the previous one by it.
                    (self.folder / name).replace(self.folder / f"{name}.unreadable")
        else:
            for variable, value in zip(variables, start, strict=True):
                variable.assign(value)
        start_at_epoch(self.model, finished_steps(optimizer) // self.steps_per_epoch)

    def on_epoch_end(self, epoch, logs=None):
        if _distribution.is_first():
            with _distribution.alone():
                super().on_epoch_end(epoch, logs)


class History(keras.callbacks.Callback):
    """Appends the logs and the seconds of each epoch to a file of JSON lines.

    Args:
        file: The file.
    """

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
    """Reads the epochs in order; of one that was repeated after a kill, the last."""
    epochs = {}
    for line in file.read_text().splitlines():
        # A kill can leave an incomplete line.
        if line.endswith("}"):
            figures = json.loads(line)
            epochs[figures["epoch"]] = figures
    return [epochs[epoch] for epoch in sorted(epochs)]
