"""Weight decay inside the update of an optimizer."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_resblocks_plugin._utils._kerashub import variable_index


class CoupledDecay:
    """Mixin of optimizers whose weight decay is part of the update.

    Keras' optimizers shrink the weights apart from the update. Here, the subclass's `update_step`
    adds `decay(variable)` to the gradient or to the update.

    Args:
        learning_rate: float or `keras.optimizers.schedules.LearningRateSchedule`.
        weight_decay: float. Defaults to `0.0`.
        no_decay: Sequence of str. Variables with one of these in their names do not decay.
            Defaults to `()`.
        **kwargs: Other arguments of the optimizer.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
        weight_decay: float = 0.0,
        no_decay: Sequence[str] = (),
        **kwargs: Any,
    ):
        # With a value, Keras would decay the weights too.
        super().__init__(learning_rate, weight_decay=None, **kwargs)
        self.coupled_decay = float(weight_decay)
        self.no_decay = tuple(no_decay)

    def exclude_from_weight_decay(
        self,
        var_list: Sequence[keras.Variable] | None = None,
        var_names: Sequence[str] | None = None,
    ) -> None:
        """Excludes variables from weight decay by their names, see `keras.optimizers.Optimizer`.

        Args:
            var_list: Not supported, as the config of the optimizer could not keep it.
            var_names: Sequence of str. Replaces `no_decay`.

        Raises:
            ValueError: If `var_list` is given.
        """
        if var_list:
            raise ValueError(
                "`var_list` must be empty; name the variables by `var_names`. "
                f"Received: var_list={var_list}"
            )
        self.no_decay = tuple(var_names or ())

    def build(self, variables: list[keras.Variable]) -> None:
        """Decides which variables decay."""
        super().build(variables)
        self.decaying = [
            self.coupled_decay > 0 and not any(name in variable.name for name in self.no_decay)
            for variable in variables
        ]

    def decays(self, variable: Any) -> bool:
        """Returns whether a variable decays."""
        return self.decaying[variable_index(self, variable)]

    def with_decay(self, values: Any, variable: Any) -> Any:
        """Adds the decay of a variable to its gradient, or to its update."""
        values = keras.ops.cast(values, variable.dtype)
        return values + variable * self.coupled_decay if self.decays(variable) else values

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the optimizer."""
        return {
            **super().get_config(),
            "weight_decay": self.coupled_decay,
            "no_decay": list(self.no_decay),
        }
