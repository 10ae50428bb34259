"""Arguments of a block whose defaults are class attributes."""

from typing import Any


class _ClassDefault:
    def __repr__(self):
        return "<default of the class>"


CLASS_DEFAULT: Any = _ClassDefault()
"""Stands for an argument that was left out, since `None` is a value that it may have."""


def resolve_default(cls: type, name: str, value: Any) -> Any:
    """Returns `value`, or the class attribute `default_<name>` where the argument was left out."""
    return getattr(cls, f"default_{name}") if value is CLASS_DEFAULT else value


def changed_arguments(layer: Any, **defaults: Any) -> dict[str, Any]:
    """Returns those attributes of a layer that differ from the given defaults.

    Arguments that were added later are in a config only where they say something, so that the
    configs of existing models stay as they are.
    """
    values = {name: getattr(layer, name) for name in defaults}
    return {name: value for name, value in values.items() if value != defaults[name]}
