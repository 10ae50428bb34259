"""A callback that reports on the residual blocks of a model while it trains."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin.diagnostics._block_probe import named_blocks, probe_blocks, ratio
from keras_resblocks_plugin.diagnostics._events import ScalarWriter
from keras_resblocks_plugin.diagnostics._picture import save_picture


class ResidualDiagnostics(keras.callbacks.Callback):
    """Measures every residual block after each epoch, on a batch of images kept for it.

    - `residual_ratio`: the norm of the residual branch over the norm of the shortcut, as they
      are added, over the whole probe. Near 0, the block passes its input on.
    - `dead_units`: the share of dead units behind the block's activations, inside the branch and
      after the sum. A unit is a channel, and is dead where it is zero at every pixel of every
      image of the probe: its weights get no gradient any more (the dead neurons, or "dying
      ReLU", of [Lu et al., 2019](https://arxiv.org/abs/1903.06733)). More images show fewer dead
      units. 0 where a block has no activation.
    - `weight_update`: `‖w − w₀‖ / ‖w₀‖` over the block's trainable weights, where `w₀` are
      the weights before the epoch.

    The callback writes them for TensorBoard as scalars (`residual_ratio/stack0_block0`, …), with
    the epochs of `keras.callbacks.TensorBoard`, and at the end of the training as one picture,
    `residual_diagnostics.png`. It measures as in inference: batch norm uses its moving
    statistics, and drop-path is off.

    Args:
        probe: array. A batch of images as the model's `fit()` takes them: raw where the model
            preprocesses. They pass through the model in one batch; 64 are enough.
        log_dir: string or path. The folder of the event file and the picture, one for each run.

    `history["dead_units"]["stack0_block0"]` is the list of that block's values, one per epoch.

    Raises:
        ImportError: If matplotlib or tensorboardX is not installed, which the extra `training`
            installs.

    Example:

    ```python
    diagnostics = krp.ResidualDiagnostics(images[:64], log_dir="logs/my_run")
    classifier.fit(images, labels, epochs=10, callbacks=[diagnostics])
    diagnostics.history["residual_ratio"]["stack0_block1"][-1]  # 0.61
    ```
    """

    def __init__(self, probe: Any, log_dir: str | Path):
        super().__init__()
        if not len(probe):
            raise ValueError("`probe` must be a batch of at least one image. Received: no images")
        # Now, and not after hours of training.
        require("training", "matplotlib", "tensorboardX")
        self.probe = probe
        self.log_dir = local_path("log_dir", log_dir)

    @staticmethod
    def measure(model: keras.Model, probe: Any) -> dict[str, dict[str, float]]:
        """Measures a model as it is, without training.

        Args:
            model: A model with residual blocks at any depth.
            probe: array. A batch of images as the model's `fit()` takes them.

        Returns:
            `{"residual_ratio": {block: number}, "dead_units": {block: number}}`.

        Raises:
            ValueError: If the model has no residual blocks.
        """
        if hasattr(model, "preprocess_samples"):  # A task of KerasHub.
            probe = model.preprocess_samples(probe)
        records = probe_blocks(model, probe)
        return {
            statistic: {name: getattr(record, statistic) for name, record in records.items()}
            for statistic in ("residual_ratio", "dead_units")
        }

    def on_train_begin(self, logs: dict | None = None):
        self._blocks = named_blocks(self.model)
        self._epochs = []
        self._writer = ScalarWriter(self.log_dir)
        statistics = ("residual_ratio", "dead_units", "weight_update")
        self.history = {key: {name: [] for name in self._blocks} for key in statistics}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None):
        self._before = {name: _flat_weights(block) for name, block in self._blocks.items()}

    def on_epoch_end(self, epoch: int, logs: dict | None = None):
        values = self.measure(self.model, self.probe)
        values["weight_update"] = {
            name: _distance(_flat_weights(block), self._before[name])
            for name, block in self._blocks.items()
        }
        self._epochs.append(epoch)
        for statistic, by_block in values.items():
            for name, value in by_block.items():
                self.history[statistic][name].append(value)
                self._writer.add(f"{statistic}/{name}", value, epoch)
        self._writer.flush()

    def on_train_end(self, logs: dict | None = None):
        self._writer.close()
        if self._epochs:
            save_picture(self.history, self._epochs, self.log_dir / "residual_diagnostics.png")


def _flat_weights(block: keras.Layer) -> np.ndarray:
    weights = [keras.ops.convert_to_numpy(weight) for weight in block.trainable_weights]
    # A frozen block has no trainable weights.
    return np.concatenate([np.empty(0), *(weight.ravel().astype("float64") for weight in weights)])


def _distance(weights: np.ndarray, before: np.ndarray) -> float:
    return ratio(np.linalg.norm(weights - before), np.linalg.norm(before))
