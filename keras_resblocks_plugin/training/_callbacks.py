"""Callbacks of a training run, among them `Backup`, from which a killed run resumes."""

import json
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin.training import _distribution, _within_epoch
from keras_resblocks_plugin.training._clock import Clock
from keras_resblocks_plugin.training._optimizer import finished_steps
from keras_resblocks_plugin.training.data._position import check_position, store_position


class Backup(keras.callbacks.BackupAndRestore):
    """Backs up the model after every epoch. `restore()` it before `fit()`.

    Of several processes only the first writes backups, and all resume from them.

    Args:
        folder: The folder of the backups.
        clock: The clock of the run, whose time is backed up, too.
    """

    def __init__(self, folder: Path, clock: Clock | None = None):
        super().__init__(str(folder), double_checkpoint=True, delete_checkpoint=False)
        self.folder, self.clock = folder, clock

    def restore(self, model: keras.Model) -> int:
        """Loads the last readable backup into a compiled model.

        If the last backup cannot be read, the run resumes from the previous one, and if neither
        can, it starts from the beginning. The steps are the optimizer's, as a kill between the
        writing of Keras' two files leaves new weights with an old epoch.

        Returns:
            The number of finished steps.
        """
        optimizer = model.optimizer
        optimizer.build(model.trainable_variables)
        variables = [*model.variables, *optimizer.variables]
        start = [np.copy(keras.ops.convert_to_numpy(variable)) for variable in variables]
        for name in ("latest.weights.h5", "latest.weights.h5.bkp"):
            try:
                with _distribution.from_first(self.folder / name) as file:
                    problem = _load(model, file)
            except FileNotFoundError:
                continue
            if problem is None:
                break
            warnings.warn(f"The backup {name} cannot be read: {problem}", stacklevel=2)
            if _distribution.is_first():
                # Otherwise the next backup would replace the previous one by it.
                (self.folder / name).replace(self.folder / f"{name}.unreadable")
        else:
            for variable, value in zip(variables, start, strict=True):
                variable.assign(value)
        step = finished_steps(optimizer)
        check_position(self.folder, step)
        return step

    def on_train_begin(self, logs=None):
        # Keras would load the last backup again.
        pass

    def on_epoch_end(self, epoch, logs=None):
        if _distribution.is_first():
            self._save(epoch)

    def save_within_epoch(self, epoch: int) -> int:
        """Saves a backup between two steps of an epoch. Returns the number of finished steps."""
        model = self.model
        step = finished_steps(model.optimizer)
        if _distribution.is_first():
            self.folder.mkdir(parents=True, exist_ok=True)
            # The weights come last: a kill before leaves the previous backup as it is.
            _within_epoch.store(self.folder, step, model)
            self._save(epoch - 1)
        return step

    def _save(self, epoch: int) -> None:
        if self.clock is not None:
            self.clock.store(self.folder)
        with _distribution.alone():
            super().on_epoch_end(epoch)
        store_position(self.folder, finished_steps(self.model.optimizer))


def _load(model: keras.Model, file: Path) -> Exception | None:
    """Loads weights, unless the file is damaged. Returns the error."""
    try:
        model.load_weights(file)
    except (OSError, ValueError, KeyError) as error:
        return error
    return None


class RandomStates(keras.callbacks.Callback):
    """Sets the random states of a model, such as those of dropout, at the start of each epoch.

    Backups do not have them. So a resumed epoch draws what it would have drawn uninterrupted.

    Args:
        seed: The seed of the run.
        stored: What `_within_epoch.load` returned for the first epoch, if that resumes.
    """

    def __init__(self, seed: int, stored: dict[str, np.ndarray] | None = None):
        super().__init__()
        self.seed = seed
        self.stored = stored

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        # Not before: PyTorch's loader draws from the global state when an iterator is created.
        if batch:
            return
        if self.stored:
            _within_epoch.restore(self.model, self.stored)
            self.stored = None
            return
        rng = np.random.default_rng([self.seed, self.epoch])
        # On PyTorch, dropout without a seed of its own draws from the global state.
        keras.utils.set_random_seed(int(rng.integers(2**31)))
        for state in _within_epoch.seed_states(self.model):
            state.assign(rng.integers(2**31, size=state.shape).astype(state.dtype))


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
        figures = rounded(logs)
        figures["learning_rate"] = round(float(self.model.optimizer.learning_rate), 7)
        seconds = round(time.monotonic() - self.start, 1)
        if not _distribution.is_first():
            return
        with self.file.open("a") as stream:
            stream.write(to_json({"epoch": epoch + 1, **figures, "seconds": seconds}) + "\n")


def rounded(logs: Mapping[str, float]) -> dict[str, float]:
    """Returns the logs as the history has them."""
    return {name: round(float(value), 5) for name, value in logs.items()}


def read_history(file: Path) -> list[dict]:
    """Reads the epochs in order; of one that was repeated after a kill, the last."""
    epochs = {}
    for line in file.read_text().splitlines():
        # A kill can leave an incomplete line.
        if line.endswith("}"):
            figures = json.loads(line)
            epochs[figures["epoch"]] = figures
    return [epochs[epoch] for epoch in sorted(epochs)]
