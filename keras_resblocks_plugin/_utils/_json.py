"""Strict reading of untrusted JSON."""

import json
import re
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._advice import ADVICE

# Far more than any preset has: ImageNet-21k's class names are 22 thousand values, 1 MB.
_MOST_BYTES = 8 << 20
_MOST_VALUES = 250_000
_DEEPEST = 64


def read_json(file: Path) -> dict[str, Any]:
    """Reads the JSON object in a file.

    Args:
        file: The path of the file.

    Raises:
        ValueError: If the file is missing, or `parse_json` refuses its content.
    """
    if not file.is_file():
        raise ValueError(f"`{file}` is missing. {ADVICE}")
    size = file.stat().st_size
    if size > _MOST_BYTES:
        raise ValueError(
            f"`{file}` must have at most {_MOST_BYTES:,} bytes. Received: {size:,} bytes. {ADVICE}"
        )
    return parse_json(file.read_bytes(), file)


def parse_json(content: bytes, source: object, expected: type | tuple[type, ...] = dict) -> Any:
    """Parses a JSON value strictly, and refuses what is too large or nested too deep.

    Python's own parser keeps the last of two equal keys, accepts `NaN`, and raises a
    `RecursionError` for deep nesting. It turns a few megabytes of `[` and `,` into hundreds of
    megabytes of objects.

    Args:
        content: UTF-8 text.
        source: The file that it comes from, for errors.
        expected: The type or types of the value. Defaults to an object.

    Raises:
        ValueError: If the value is of another type, not UTF-8, nested too deep or too large, or
            has a repeated key or a number that is not finite.
    """
    structure = re.sub(rb'"(?:[^"\\]++|\\.)*+"', b"", content, flags=re.DOTALL)
    count = sum(map(structure.count, (b",", b"[", b"{")))
    if count > _MOST_VALUES or _depth(structure) > _DEEPEST:
        raise ValueError(
            f"`{source}` must be JSON of at most {_DEEPEST} levels and {_MOST_VALUES:,} values. "
            f"Received: {count:,} values, or deeper levels. {ADVICE}"
        )
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_not_finite,
            parse_float=_finite,
        )
    except ValueError as error:
        raise ValueError(f"`{source}` must be JSON in UTF-8. Received: {error}. {ADVICE}") from None
    if not isinstance(value, expected):
        kind = "a JSON object" if expected is dict else "JSON of another kind"
        raise ValueError(f"`{source}` must be {kind}. Received: {value!r:.200}. {ADVICE}")
    return value


def _depth(structure: bytes) -> int:
    """The depth of nested brackets."""
    depth = deepest = 0
    for bracket in re.findall(rb"[\[{\]}]", structure):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"duplicate key {twice!r:.100}")
    return found


def _not_finite(text: str) -> float:
    raise ValueError(f"{text} is not valid JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:100]} is too large a number")
    return value
