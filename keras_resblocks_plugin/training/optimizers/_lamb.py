"""LAMB with timm's arithmetic."""

from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin._utils._kerashub import variable_index
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.training.optimizers._coupled_decay import CoupledDecay


@keras.saving.register_keras_serializable(PACKAGE)
class TimmLamb(CoupledDecay, keras.optimizers.Optimizer):
    """LAMB as `timm.optim.Lamb` computes it, for large batches.

    The update of Adam, with the decay added, is scaled to the norm of the weights
    ([You et al., 2019](https://arxiv.org/abs/1904.00962)). Keras' `Lamb` decays weights apart
    from that. As in timm, the norm of all gradients together is clipped, and variables that do
    not decay are not scaled.

    Args:
        learning_rate: float or `keras.optimizers.schedules.LearningRateSchedule`. Defaults to
            `1e-3`.
        beta_1: float. The decay rate of the mean of gradients. Defaults to `0.9`.
        beta_2: float. The decay rate of the mean of their squares. Defaults to `0.999`.
        epsilon: float. Defaults to `1e-6`.
        weight_decay: float. Defaults to `0.0`.
        no_decay: Sequence of str. Variables with one of these in their names do not decay.
            Defaults to `()`.
        global_clipnorm: float. The largest norm of all gradients together, or `None`. Defaults
            to `1.0`.
        **kwargs: Arguments of `keras.optimizers.Optimizer`.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        global_clipnorm: float | None = 1.0,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, global_clipnorm=global_clipnorm, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Creates the two moments of each variable."""
        if self.built:
            return
        super().build(variables)
        self.means, self.squares = self.add_optimizer_variables(variables, ["mean", "square"])

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Updates one variable."""
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)
        index = variable_index(self, variable)
        mean, square = self.means[index], self.squares[index]
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))
        correction_1, correction_2 = (
            1 - ops.power(ops.cast(beta, variable.dtype), step)
            for beta in (self.beta_1, self.beta_2)
        )
        update = mean / correction_1 / (ops.sqrt(square / correction_2) + self.epsilon)
        if self.decays(variable):
            update = self.with_decay(update, variable)
            update = update * _trust_ratio(_norm(variable), _norm(update))
        self.assign_sub(variable, update * learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the optimizer."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }


def _norm(values: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(values)))


def _trust_ratio(weights: Any, update: Any) -> Any:
    """The norm of the weights over the norm of the update, or 1 where either is 0."""
    usable = ops.logical_and(weights > 0, update > 0)
    return ops.where(usable, weights / ops.where(usable, update, 1.0), 1.0)
