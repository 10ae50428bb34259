"""Adam with L2 regularization in the gradient."""

from typing import Any

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.training.optimizers._coupled_decay import CoupledDecay


@keras.saving.register_keras_serializable(PACKAGE)
class CoupledAdam(CoupledDecay, keras.optimizers.Adam):
    """Adam with L2 regularization, as of layers with a regularizer or of `torch.optim.Adam`.

    `keras.optimizers.AdamW` decays weights apart from the gradient.

    Args:
        learning_rate: float or `keras.optimizers.schedules.LearningRateSchedule`.
        weight_decay: float. Added to the gradient, times the weights. Defaults to `0.0`.
        no_decay: Sequence of str. Variables with one of these in their names do not decay.
            Defaults to `()`.
        **kwargs: Arguments of `keras.optimizers.Adam`.
    """

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Updates one variable."""
        super().update_step(self.with_decay(gradient, variable), variable, learning_rate)
