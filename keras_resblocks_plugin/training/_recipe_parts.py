"""The parts of a recipe: its schedule and its optimizer."""

import dataclasses
from typing import Literal, get_args

from keras_resblocks_plugin._utils._validation import check_choice

# The types of keys that have lists in TOML and JSON.
Numbers = tuple[float, ...]
Names = tuple[str, ...]
LearningRateDecay = Literal["cosine", "step", "exponential"]
OptimizerName = Literal["sgd", "torch_sgd", "adam", "adamw", "lamb"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """The length of a training run and its learning rate at each step.

    Args:
        epochs: int. Passes over the training images. Defaults to `40`.
        learning_rate: float. The peak, which follows the warm-up and precedes the decay.
            Defaults to `0.15`.
        warmup_epochs: float. Epochs of linear warm-up. Defaults to `2.0`.
        warmup_start: float. The first rate of the warm-up, as a share of the peak. Defaults to
            `0.0`.
        warmup_prefix: bool. Whether the cosine begins after the warm-up. If not, it begins at the
            first step, and the warm-up covers its beginning, as in timm's script. Defaults to
            `True`.
        learning_rate_decay: str. One of `"cosine"`, `"step"` and `"exponential"`. `"step"`
            multiplies the rate by `learning_rate_factor` at each of `step_epochs`,
            `"exponential"` in each epoch. Defaults to `"cosine"`.
        step_epochs: list of floats. Defaults to `()`.
        learning_rate_factor: float. Defaults to `0.1`.
        final_learning_rate: float. The last rate of the cosine. Defaults to `0.0`.
        by_epoch: bool. Whether the rate changes between epochs, and not at each step. Defaults to
            `False`.
        shortened_from: int. The epochs of the recipe before `shorten()`, or `0`. Defaults to `0`.

    Raises:
        ValueError: If the warm-up is as long as the training or longer, or a value is unknown.
    """

    epochs: int = 40
    learning_rate: float = 0.15
    warmup_epochs: float = 2.0
    warmup_start: float = 0.0
    warmup_prefix: bool = True
    learning_rate_decay: str = "cosine"
    step_epochs: Numbers = ()
    learning_rate_factor: float = 0.1
    final_learning_rate: float = 0.0
    by_epoch: bool = False
    shortened_from: int = 0

    def __post_init__(self):
        if not 0 <= self.warmup_epochs < self.epochs:
            raise ValueError(
                "`warmup_epochs` must be less than `epochs`. "
                f"Received: warmup_epochs={self.warmup_epochs}, epochs={self.epochs}"
            )
        check_choice("learning_rate_decay", self.learning_rate_decay, get_args(LearningRateDecay))
        object.__setattr__(self, "step_epochs", tuple(self.step_epochs))

    def shorten(self, epochs: int) -> "Schedule":
        """Returns the schedule with fewer epochs.

        Warm-up and steps shrink in proportion, and an exponential decay falls as far. The rate
        then changes at each step, as a part of an epoch may have any place in it.

        Args:
            epochs: int. The number of epochs, less than `self.epochs`.
        """
        share = epochs / self.epochs
        factor = self.learning_rate_factor
        if self.learning_rate_decay == "exponential":
            factor **= 1 / share
        return dataclasses.replace(
            self,
            epochs=epochs,
            warmup_epochs=self.warmup_epochs * share,
            step_epochs=tuple(epoch * share for epoch in self.step_epochs),
            learning_rate_factor=factor,
            by_epoch=False,
            shortened_from=self.shortened_from or self.epochs,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer:
    """The optimizer, its weight decay and the average of the weights.

    Args:
        optimizer: str. One of `"sgd"`, `"torch_sgd"`, `"adam"`, `"adamw"` and `"lamb"`. `"sgd"`
            and `"adamw"` are Keras', with decoupled weight decay. `"torch_sgd"` and `"adam"` add
            the decay to the gradient, as PyTorch's SGD and a layer's L2 regularizer do. `"lamb"` is
            timm's. Defaults to `"sgd"`.
        momentum: float. Of SGD. Defaults to `0.9`.
        nesterov: bool. Whether SGD uses Nesterov momentum. Defaults to `True`.
        weight_decay: float. Defaults to `5e-4`.
        no_decay: list of strings. Weights with one of these in their names do not decay. Defaults
            to `("gamma", "beta", "bias")`: only kernels do.
        clip_norm: float. The largest norm of all gradients together; `0.0` does not clip. Defaults
            to `0.0`.
        ema_momentum: float. The momentum of the moving average of the weights; `0.0` turns
            averaging off. The batch-norm statistics of averaged weights are computed at the end.
            Defaults to `0.0`.

    Raises:
        ValueError: If the optimizer is unknown.
    """

    optimizer: str = "sgd"
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    no_decay: Names = ("gamma", "beta", "bias")
    clip_norm: float = 0.0
    ema_momentum: float = 0.0

    def __post_init__(self):
        check_choice("optimizer", self.optimizer, get_args(OptimizerName))
        object.__setattr__(self, "no_decay", tuple(self.no_decay))
