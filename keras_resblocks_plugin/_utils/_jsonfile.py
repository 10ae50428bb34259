"""JSON files that are written atomically."""

import json
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._replace import replacing_file


def to_json(value: Any, **kwargs: Any) -> str:
    """`json.dumps` without NaN and infinity, which JSON does not have: they are an error."""
    return json.dumps(value, allow_nan=False, **kwargs)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file atomically: a kill leaves the old file or the new one.

    Args:
        path: The file. Its folder need not exist yet.
        value: The value to write.

    Raises:
        ValueError: If it has NaN or infinity, which JSON does not have.
    """
    text = to_json(value, indent=2) + "\n"
    with replacing_file(path) as staged:
        staged.write_text(text)
