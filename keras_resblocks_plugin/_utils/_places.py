"""Paths from users, and file names from presets."""

import os
import re
from pathlib import Path
from typing import Any

import keras

PREPROCESSOR_NAME = r"\w*preprocessor\w*\.json"
# `Path("gs://bucket")` has lost a slash. A single letter is a drive on Windows.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")


def local_path(name: str, path: str | os.PathLike) -> Path:
    """The local path of an argument, with `~` expanded.

    Args:
        name: The name of the argument.
        path: The value of the argument.

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


def check_saves_inside(preprocessor: Any) -> None:
    """Checks that saving a preprocessor writes into the given folder and nowhere else.

    KerasHub takes the file name from the preprocessor's argument `config_file`, which may come
    from a preset.

    Args:
        preprocessor: The preprocessor of a task, or `None`.

    Raises:
        ValueError: If the name is a path, or the preprocessor is not a layer.
    """
    if preprocessor is not None and not isinstance(preprocessor, keras.layers.Layer):
        raise ValueError(
            "`preprocessor` must be a layer or None to be saved: wrap a function into a registered "
            f"`keras.layers.Layer`. Received: preprocessor={preprocessor!r:.200}"
        )
    name = getattr(preprocessor, "config_file", "preprocessor.json")
    if not isinstance(name, str) or not re.fullmatch(PREPROCESSOR_NAME, name):
        raise ValueError(
            "`config_file` of a preprocessor must be a file name such as 'preprocessor.json'. "
            f"Received: config_file={name!r:.200}. Do not save a model from an untrusted source."
        )
