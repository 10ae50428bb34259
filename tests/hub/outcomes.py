"""How a push or a pull may end: complete, or in one clear error with nothing half-done."""

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import Hub


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of all files in a folder, by path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def on_hub(hub: Hub, name: str, revision: str = "main") -> dict[str, bytes]:
    """The bytes of all pushed files, by path; without what the Hub adds, and the card."""
    files = hub.repos[name].find(revision).files
    added = (".gitattributes", "README.md")
    return {path: file.content for path, file in files.items() if path not in added}


@contextlib.contextmanager
def one_clear_error(hub: Hub, match: str) -> Iterator[None]:
    """One error of the kinds that the scripts say in one line, without a token anywhere in it."""
    with pytest.raises((ValueError, OSError), match=match) as raised:
        yield
    text = "".join(traceback.format_exception(raised.value))
    assert not [token for token in hub.tokens if token in text]
