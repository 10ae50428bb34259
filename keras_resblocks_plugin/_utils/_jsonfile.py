"""JSON files that are there either whole or not at all."""

import json
from pathlib import Path
from typing import Any


def to_json(value: Any, **kwargs: Any) -> str:
    """`json.dumps`, for readers that take JSON at its word: NaN and infinity are an error."""
    return json.dumps(value, allow_nan=False, **kwargs)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file at one instant, whenever the process is killed.

    Args:
        path: The file.
        value: What to write.

    Raises:
        ValueError: If it has NaN or infinity, which JSON does not have.
    """
    partial = path.with_name(path.name + ".partial")
    partial.write_text(to_json(value, indent=2) + "\n")
    partial.replace(path)
