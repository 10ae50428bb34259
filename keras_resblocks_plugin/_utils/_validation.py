"""Checks of arguments. Each error names the argument, the rule and the received value."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import keras


def check_positive_int(name: str, value: Any, odd: bool = False) -> int:
    """Returns `value` if it is a positive integer, and odd if `odd=True`."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or (odd and number % 2 == 0):
        rule = "a positive odd integer" if odd else "a positive integer"
        raise ValueError(f"`{name}` must be {rule}. Received: {name}={value!r}")
    return number


def check_choice(name: str, value: Any, choices: Sequence) -> Any:
    """Returns `value` if it is one of `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}")
    return value


def check_activation(name: str, value: Any) -> Callable:
    """Returns the function that `keras.activations.get()` gives for `value`."""
    try:
        return keras.activations.get(value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be the name of a Keras activation, a function or None. "
            f"Received: {name}={value!r}"
        ) from error
