"""Options made of a dataclass: its fields, with their types, defaults and descriptions."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_type_hints

import docstring_parser
from cyclopts import Group, Parameter


def options_of(config_class: type, run: Callable[[Any], Any], *positional: str) -> Callable:
    """A function for cyclopts whose parameters are the fields of a dataclass.

    Args:
        config_class: type. A dataclass, whose docstring describes each field under `Args:`. Of a
            field that is a dataclass itself, the fields become a group of options.
        run: Callable. A function of the dataclass. Its docstring is the help of the command.
        *positional: str. The fields that are given without their names, in this order. They are
            required. All others are options.

    Returns:
        A function that makes the dataclass of its arguments and calls `run` with it.
    """
    fields = {name: (hint, default) for name, hint, default in _fields(config_class, None)}
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_ONLY
            if name in positional
            else inspect.Parameter.KEYWORD_ONLY,
            annotation=fields[name][0],
            default=inspect.Parameter.empty if name in positional else fields[name][1],
        )
        for name in (*positional, *(name for name in fields if name not in positional))
    ]

    def command(*args: Any, **kwargs: Any) -> None:
        values = dict(zip(positional, args, strict=False)) | kwargs
        run(_build(config_class, values))

    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = run.__doc__
    return command


def _fields(config_class: type, group: Group | None) -> Iterator[tuple[str, Any, Any]]:
    """Name, annotation and default of every field, those of inner dataclasses included."""
    hints, texts = get_type_hints(config_class), _descriptions(config_class)
    for field in dataclasses.fields(config_class):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from _fields(hint, Group(field.name.replace("_", " ").capitalize(), sort_key=1))
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        parameter = Parameter(
            help=texts.get(field.name),
            **({"group": group} if group else {}),
            # For others, the description says what the default does.
            show_default=not (default is None or default is False or default == ""),
        )
        default = inspect.Parameter.empty if default is dataclasses.MISSING else default
        yield field.name, Annotated[hint, parameter], default


def _build(config_class: type, values: dict[str, Any]) -> Any:
    """Builds the dataclass, and those in it, from the given values."""
    hints = get_type_hints(config_class)
    arguments = {}
    for field in dataclasses.fields(config_class):
        if dataclasses.is_dataclass(hints[field.name]):
            arguments[field.name] = _build(hints[field.name], values)
        elif field.name in values:
            arguments[field.name] = values[field.name]
    return config_class(**arguments)


def _descriptions(config_class: type) -> dict[str, str]:
    """The description of each field, from the docstrings of a dataclass and its bases."""
    texts = {}
    for parent in reversed(config_class.__mro__[:-1]):
        for entry in docstring_parser.parse(parent.__doc__ or "").params:
            texts[entry.arg_name] = _for_help(entry.description or "")
    return texts


def _for_help(description: str) -> str:
    """A description without the type and the default, which the help shows by itself."""
    text = " ".join(description.split())
    text = re.sub(
        r"^`?(?:str|int|float|bool|Path|pathlib\.Path|list|tuple|dict)\b[^.]*\. ", "", text
    )
    text = re.sub(r"^One of [^.]*\. ", "", text)
    text = re.sub(r" Defaults to (?:`[^`]*`|[^`.])*\.$", "", text)
    text = re.sub(r"^Whether to ", "", text)
    return text[:1].upper() + text[1:]
