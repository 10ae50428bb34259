"""Learning rates that are functions of the epoch."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_resblocks_plugin._utils._registration import PACKAGE

Decay = Literal["cosine", "step", "exponential"]


@keras.saving.register_keras_serializable(PACKAGE)
class EpochSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up and a decay, as PyTorch's, torchvision's and timm's schedulers step them.

    Args:
        learning_rate: float. The rate at the end of the warm-up.
        steps_per_epoch: int. Updates per epoch.
        epochs: int. The length of a cosine.
        decay: `"cosine"`, `"step"` or `"exponential"`. `"step"` multiplies the rate by `factor`
            at each of `step_epochs`, `"exponential"` by `factor` in each epoch. Defaults to
            `"cosine"`.
        step_epochs: Sequence of float. Defaults to `()`.
        factor: float. Defaults to `0.1`.
        warmup_epochs: float. Defaults to `0.0`.
        warmup_start: float. The first rate of the warm-up, as a share of `learning_rate`.
            Defaults to `0.0`.
        warmup_prefix: bool. Whether a cosine begins after the warm-up, as in torchvision. In
            timm's training script it begins at the first step, and the warm-up covers its
            beginning. Defaults to `True`.
        final_rate: float. The last rate of a cosine. Defaults to `0.0`.
        by_epoch: bool. Whether the rate changes between epochs only. Defaults to `False`.
    """

    def __init__(
        self,
        learning_rate: float,
        steps_per_epoch: int,
        epochs: int,
        decay: Decay = "cosine",
        step_epochs: Sequence[float] = (),
        factor: float = 0.1,
        warmup_epochs: float = 0.0,
        warmup_start: float = 0.0,
        warmup_prefix: bool = True,
        final_rate: float = 0.0,
        by_epoch: bool = False,
    ):
        super().__init__()
        self.learning_rate = learning_rate
        self.steps_per_epoch = steps_per_epoch
        self.epochs = epochs
        self.decay = decay
        self.step_epochs = tuple(step_epochs)
        self.factor = factor
        self.warmup_epochs = warmup_epochs
        self.warmup_start = warmup_start
        self.warmup_prefix = warmup_prefix
        self.final_rate = final_rate
        self.by_epoch = by_epoch

    def __call__(self, step: Any) -> Any:
        """Returns the rate of an update, a scalar tensor.

        Args:
            step: int, or an integer tensor. The number of updates before this one.
        """
        step = ops.cast(step, "int32")
        # A quotient of floats may round up to the next epoch.
        epoch = ops.cast(ops.floor_divide(step, self.steps_per_epoch), "float32")
        if not self.by_epoch:
            part = ops.cast(ops.mod(step, self.steps_per_epoch), "float32")
            epoch = epoch + part / self.steps_per_epoch
        share = self._decayed(epoch)
        if self.warmup_epochs:
            warmup = self.warmup_start + (1 - self.warmup_start) * epoch / self.warmup_epochs
            share = ops.where(epoch < self.warmup_epochs, warmup, share)
        return share * self.learning_rate

    def _decayed(self, epoch: Any) -> Any:
        """The rate after the warm-up, as a share of the peak."""
        if self.decay == "cosine":
            begin = self.warmup_epochs if self.warmup_prefix else 0
            turn = ops.clip((epoch - begin) / (self.epochs - begin), 0, 1) * math.pi
            final = self.final_rate / self.learning_rate
            return final + (1 - final) * (1 + ops.cos(turn)) / 2
        passed = epoch
        if self.decay == "step":
            passed = sum((ops.cast(epoch >= x, "float32") for x in self.step_epochs), 0.0)
        return ops.power(ops.cast(self.factor, "float32"), passed)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the schedule."""
        return {
            "learning_rate": self.learning_rate,
            "steps_per_epoch": self.steps_per_epoch,
            "epochs": self.epochs,
            "decay": self.decay,
            "step_epochs": list(self.step_epochs),
            "factor": self.factor,
            "warmup_epochs": self.warmup_epochs,
            "warmup_start": self.warmup_start,
            "warmup_prefix": self.warmup_prefix,
            "final_rate": self.final_rate,
            "by_epoch": self.by_epoch,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class AccumulatedSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of updates that each sum the gradients of several batches.

    Keras asks a schedule for the rate of each batch.

    Args:
        schedule: `keras.optimizers.schedules.LearningRateSchedule`. The rate of each update.
        accumulate: int. Batches per update.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, accumulate: int):
        super().__init__()
        self.schedule = schedule
        self.accumulate = accumulate

    def __call__(self, step: Any) -> Any:
        """Returns the rate of the update that a batch belongs to."""
        return self.schedule(ops.floor_divide(ops.cast(step, "int32"), self.accumulate))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the schedule."""
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "accumulate": self.accumulate}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AccumulatedSchedule":
        """Creates the schedule from its config."""
        schedule = keras.optimizers.schedules.deserialize(config["schedule"])
        return cls(schedule, config["accumulate"])
