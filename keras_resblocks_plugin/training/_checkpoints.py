"""Checkpoints of a training run: the weights of its best epoch, and of the last ones."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras

from keras_resblocks_plugin.training import _distribution
from keras_resblocks_plugin.training._callbacks import read_history, rounded

_BEST = "best.weights.h5"
_METRIC = "val_accuracy"


class Checkpoints(keras.callbacks.Callback):
    """Saves the weights of the best epoch and of the last ones, as trained and not averaged.

    The best epoch has the highest accuracy on held-out images, with these weights. List it before
    the history and the backup: an epoch whose checkpoint a kill prevents is then repeated.

    Keras' `ModelCheckpoint` would save the model that is trained, which may be one around the
    classifier, and a kill would leave an incomplete file in the place of the best one.

    Args:
        classifier: The classifier to save.
        folder: The folder of the checkpoints.
        keep: How many of the last epochs to keep.
        history: The file of `History`, from which a resumed run knows its best epoch.
    """

    def __init__(self, classifier: keras.Model, folder: Path, keep: int, history: Path):
        super().__init__()
        self.classifier, self.folder, self.keep = classifier, folder, keep
        self.history = history
        self.best = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.best is None:
            self.best = self._best_of(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if not _distribution.is_first():
            return
        self.folder.mkdir(exist_ok=True)
        if self.keep:
            self._save(f"epoch-{epoch + 1:04d}.weights.h5")
        accuracy = rounded(logs).get(_METRIC, self.best)
        if accuracy > self.best:
            self._save(_BEST)
            self.best = accuracy
        files = sorted(self.folder.glob("epoch-*"), key=lambda file: (len(file.name), file.name))
        for file in files[: max(0, len(files) - self.keep)]:
            file.unlink()

    def _save(self, name: str) -> None:
        incomplete = self.folder / "incomplete.weights.h5"
        with _distribution.alone(), _without_optimizer(self.classifier):
            self.classifier.save_weights(incomplete)
        incomplete.replace(self.folder / name)

    def _best_of(self, epochs: int) -> float:
        """Returns the highest accuracy of the first epochs, if its weights were saved, or -1."""
        if not (self.folder / _BEST).exists():
            return -1.0
        history = read_history(self.history) if self.history.exists() else []
        accuracies = [x[_METRIC] for x in history if x["epoch"] <= epochs and _METRIC in x]
        return max(accuracies, default=-1.0)


@contextlib.contextmanager
def _without_optimizer(model: keras.Model) -> Iterator[None]:
    """Context in which saving leaves out the optimizer, whose state is as large as the weights."""
    # A model that was not compiled has no attribute.
    optimizer, model.optimizer = getattr(model, "optimizer", None), None
    try:
        yield
    finally:
        model.optimizer = optimizer
