"""Checks of arguments: each error names the argument, the rule and what was received."""

from collections.abc import Sequence
from typing import Any


def check_positive_int(name: str, value: Any, odd: bool = False) -> int:
    """Returns `value` if it is an int above zero (and odd, where asked)."""
    is_int = hasattr(value, "__index__") and not isinstance(value, bool)
    if not is_int or value < 1 or (odd and value % 2 == 0):
        rule = "a positive odd integer" if odd else "a positive integer"
        raise ValueError(f"`{name}` must be {rule}. Received: {name}={value!r}")
    return int(value)


def check_choice(name: str, value: Any, choices: Sequence) -> Any:
    """Returns `value` if it is one of `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}")
    return value
