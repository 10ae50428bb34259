"""Callback that pushes the best preset of a training run to the Hub during training."""

import math
import warnings
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin._hub_client import Handle, HubClient, missing_token
from keras_resblocks_plugin._utils._places import check_saves_inside, local_path
from keras_resblocks_plugin._utils._replace import replacing
from keras_resblocks_plugin._utils._validation import check_choice
from keras_resblocks_plugin.hub._background import BackgroundPush
from keras_resblocks_plugin.hub._checks import check_finite
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._training_record import TrainingRecord


class PushToHub(keras.callbacks.Callback):
    """Saves the best preset so far after each epoch, and pushes it in the background.

    A failed push does not stop training. It is retried once at the end; if that fails, a warning
    gives the call that pushes the preset. Training always ends: the callback waits for a silent
    Hub no longer than one deadline, 10 seconds (`HF_HUB_ETAG_TIMEOUT`), for a Hub that asks to
    wait up to 300 seconds, and for a transfer as long as bytes move. The measured values go into
    the preset's `training.json` and its card. A run that resumes reads them from there.

    Args:
        handle: string. `"hf://user/name"`, with `@branch` where wanted.
        folder: string or path. The local folder of the best preset.
        monitor: string. The entry of the logs that decides which epoch is best. Defaults to
            `"val_accuracy"`.
        mode: string. `"max"`, `"min"` or `"auto"`, which is `"min"` for losses. Defaults to
            `"auto"`.
        private: bool. Makes a new repository private. Defaults to the account's setting.
        token: string. A token with write access. Defaults to the one of `hf auth login`.

    Example:

    ```python
    push = krp.PushToHub(
        "hf://me/my_resblock", "runs/my_resblock", monitor="val_sparse_categorical_accuracy"
    )
    classifier.fit(train, validation_data=validation, epochs=40, callbacks=[push])
    ```
    """

    def __init__(
        self,
        handle: str,
        folder: str | Path,
        monitor: str = "val_accuracy",
        mode: str = "auto",
        private: bool | None = None,
        token: str | None = None,
    ):
        super().__init__()
        check_choice("mode", mode, ("auto", "max", "min"))
        self.target = Handle.parse(handle)
        token = HubClient(token).token
        if token is None:
            raise missing_token()
        self.folder = local_path("folder", folder)
        self.monitor = monitor
        smaller = mode == "min" or (mode == "auto" and monitor.endswith("loss"))
        self._sign = -1 if smaller else 1
        self._pushes = BackgroundPush(token, self.target, private)

    @property
    def url(self) -> str | None:
        """The page of the last commit that arrived, or `None`."""
        return self._pushes.url

    @property
    def last_error(self) -> str | None:
        """The reason why the best preset did not arrive, or `None`."""
        return self._pushes.last_error

    def on_train_begin(self, logs: dict | None = None):
        if not hasattr(self.model, "save_to_preset"):
            task = "a KerasHub task on a `ResBlockBackbone`"
            raise ValueError(f"`PushToHub` needs {task}. Received: {self.model!r}")
        best = (self._record().results or {}).get(_result_name(self.monitor))
        self._best = -math.inf if best is None else self._sign * best
        if best is not None:
            # The run before may have been killed on the way to the Hub.
            self._pushes.offer(self.folder)

    def on_epoch_end(self, epoch: int, logs: dict | None = None):
        value = (logs or {}).get(self.monitor)
        if value is None:
            known = ", ".join(logs or {})
            _warn(f"`monitor` must be in the logs: {known}. Received: monitor={self.monitor!r}")
        elif self._sign * value > self._best:
            try:
                check_finite(self.model)
                self._save(epoch, logs)
                self._best = self._sign * value
            except ValueError as error:
                _warn(str(error))
        self._pushes.start()

    def on_train_end(self, logs: dict | None = None):
        self._pushes.finish(self.folder)
        if self.last_error:
            _warn(
                f"The best preset did not arrive at `{self.target}`: {self.last_error} "
                f"Push it with `krp.push_to_hub({str(self.folder)!r}, '{self.target}')`."
            )

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        names = [name for name in logs if name.startswith("val_") or name == self.monitor]
        # JSON has no NaN.
        results = {
            _result_name(name): float(logs[name]) if math.isfinite(logs[name]) else None
            for name in names
        }
        record = self._record()
        record.results, record.epochs = results, epoch + 1
        with replacing(self.folder) as folder:
            check_saves_inside(getattr(self.model, "preprocessor", None))
            self.model.save_to_preset(str(folder))
            record.save(folder)
        self._pushes.offer(self.folder)

    def _record(self) -> TrainingRecord:
        return PresetFolder(self.folder).record


def _warn(message: str) -> None:
    warnings.warn(f"`PushToHub`: {message}", stacklevel=3)


def _result_name(log: str) -> str:
    return log.replace("val_", "validation_", 1) if log.startswith("val_") else log
