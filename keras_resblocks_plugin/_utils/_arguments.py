"""The names of a class's arguments, and errors for unknown ones."""

import difflib
import inspect
from collections.abc import Collection, Mapping
from typing import Any

# Keras accepts these for any layer, for the sake of old configs.
_OF_OLD_CONFIGS = frozenset(["batch_input_shape", "batch_shape", "input_shape"])


def arguments_of(cls: type, base: type) -> set[str]:
    """The names of the arguments that `cls` and its bases up to `base` accept."""
    bases = [x for x in cls.__mro__ if issubclass(x, base) and "__init__" in vars(x)]
    parameters = [p for x in bases for p in inspect.signature(x.__init__).parameters.values()]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name for p in parameters if p.kind in named} - {"self"}


def plain(value: Any) -> Any:
    """Copies dicts and lists at any depth, without the wrappers that Keras keeps in attributes."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def check_arguments(
    cls: type,
    arguments: Mapping[str, Any],
    known: Collection[str],
    elsewhere: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Checks that a class accepts the given arguments.

    Args:
        cls: The class, which the error names.
        arguments: The given arguments, by name.
        known: The names of the arguments that the class accepts.
        elsewhere: The names of arguments of other objects, by the object, for the error.

    Raises:
        ValueError: If an argument is unknown. The message names the closest known one.
    """
    places = {name: f" of {place}" for place, names in (elsewhere or {}).items() for name in names}
    places |= dict.fromkeys(known, "")
    unknown = {k: v for k, v in arguments.items() if k not in {*known, *_OF_OLD_CONFIGS}}
    errors = []
    for name in unknown:
        if name in places:
            errors.append(f"`{name}`, which is an argument{places[name]}")
        elif close := difflib.get_close_matches(name, places, n=1):
            errors.append(f"`{name}`: did you mean `{close[0]}`{places[close[0]]}?")
        else:
            errors.append(f"`{name}`; it has {', '.join(f'`{x}`' for x in sorted(known))}")
    if errors:
        received = ", ".join(f"{name}={value!r:.80}" for name, value in unknown.items())
        raise ValueError(
            f"`{cls.__name__}` has no argument {'; and no argument '.join(errors)}. "
            f"Received: {received}".replace("?.", "?")
        )
