"""Paths that users give: `~` is their home, and a URL is no folder."""

import os
import re
from pathlib import Path

# `Path("gs://bucket")` has lost a slash. One letter is a drive of Windows.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def local_path(name: str, path: str | os.PathLike) -> Path:
    """The path on this machine that an argument stands for.

    Args:
        name: The name of the argument.
        path: What the user gave.

    Raises:
        ValueError: If it is a URL.
    """
    url = _URL.match(os.fspath(path))
    if url:
        fix = "Copy files to other places, and from them, with those places' own tools"
        if url[1].lower() == "hf":
            fix = f"Share presets on the Hub by `krp.push_to_hub(model, {str(path)!r})`"
        raise ValueError(
            f"`{name}` must be a path on this machine. {fix}. Received: {name}={str(path)!r}"
        )
    return Path(path).expanduser()
