"""SGD with PyTorch's arithmetic."""

from typing import Any

import keras

from keras_resblocks_plugin._utils._kerashub import variable_index
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.training.optimizers._coupled_decay import CoupledDecay


@keras.saving.register_keras_serializable(PACKAGE)
class TorchSGD(CoupledDecay, keras.optimizers.Optimizer):
    """SGD as `torch.optim.SGD` computes it, in which most recipes of ResNets are published.

    Keras' SGD multiplies each gradient by the learning rate of its own step before it enters the
    momentum, and decays weights apart. Here, the momentum averages gradients, to which L2
    regularization has been added, and the learning rate of the current step multiplies all of it.
    The two differ wherever the learning rate changes.

    Args:
        learning_rate: float or `keras.optimizers.schedules.LearningRateSchedule`. Defaults to
            `0.1`.
        momentum: float. Defaults to `0.9`.
        nesterov: bool. Defaults to `False`.
        weight_decay: float. The factor of L2 regularization, in the gradient. Defaults to `0.0`.
        no_decay: Sequence of str. Variables with one of these in their names do not decay.
            Defaults to `()`.
        **kwargs: Arguments of `keras.optimizers.Optimizer`.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.1,
        momentum: float = 0.9,
        nesterov: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.momentum = float(momentum)
        self.nesterov = nesterov

    def build(self, variables: list[keras.Variable]) -> None:
        """Creates the momentum of each variable."""
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Updates one variable."""
        learning_rate = keras.ops.cast(learning_rate, variable.dtype)
        gradient = self.with_decay(gradient, variable)
        momentum = self.momentums[variable_index(self, variable)]
        self.assign(momentum, momentum * self.momentum + gradient)
        step = gradient + momentum * self.momentum if self.nesterov else momentum
        self.assign_sub(variable, step * learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the optimizer."""
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
