"""How a push or a pull may end: complete, or in one clear error with nothing half-done."""

import re
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.hub.server import Hub


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of all files in a folder, by path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def on_hub(hub: Hub, name: str, revision: str = "main") -> dict[str, bytes]:
    """The bytes of all pushed files, by path; without what the Hub adds, and the card."""
    files = hub.repos[name].find(revision).files
    added = (".gitattributes", "README.md")
    return {path: file.content for path, file in files.items() if path not in added}


def error_of(hub: Hub, action: Callable, *args, **kwargs) -> str | None:
    """The message where the action fails, or `None` where it does not.

    It may fail in one error of the kinds that the scripts say in one line, without a token
    anywhere in it.
    """
    try:
        action(*args, **kwargs)
    except (ValueError, OSError) as raised:
        error = raised
    else:
        return None
    text = "".join(traceback.format_exception(error))
    assert not [token for token in hub.tokens if token in text]
    return str(error)


def assert_fails(hub: Hub, match: str, action: Callable, *args, **kwargs) -> None:
    """The action fails in such an error, and its message matches."""
    error = error_of(hub, action, *args, **kwargs)
    assert error is not None
    assert re.search(match, error), error
