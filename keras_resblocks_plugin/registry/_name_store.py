"""Names of pulled presets, stored for later processes in a file under the Keras home."""

import os
import secrets
from pathlib import Path

from filelock import FileLock, Timeout

from keras_resblocks_plugin._utils._json import parse_json
from keras_resblocks_plugin._utils._jsonfile import write_json

_FILE = "keras_resblocks_plugin.json"
_KEYS = {"handle", "commit", "folder"}
_LOCK_SECONDS = 60


def path() -> Path:
    """The path of the file, which need not exist."""
    # Keras finds its home like this, and does not tell which it found.
    user = os.path.expanduser("~")
    home = Path(user if os.access(user, os.W_OK) else "/tmp") / ".keras"
    return Path(os.environ.get("KERAS_HOME") or home) / _FILE


def read() -> dict[str, dict[str, str]]:
    """All names, each with its `handle`, `commit` and `folder`.

    Raises:
        ValueError: If the file cannot be read, or is not what this module writes.
    """
    try:
        names = parse_json(path().read_bytes(), path())["presets"]
        if all(set(entry) >= _KEYS for entry in names.values()):
            return names
        problem = "an entry lacks a key"
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = repr(error)
    raise ValueError(
        f"`{path()}`, which keeps the names of pulled presets, cannot be read ({problem}). Remove "
        "it and pull the presets again: what is in the Hub's cache is not downloaded twice."
    )


def check_writable() -> None:
    """Checks that a name can be stored, before anything is downloaded for it.

    Raises:
        OSError: If the folder cannot be written.
        ValueError: If the file cannot be read, or is not what this module writes.
    """
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Try it: `os.access` knows nothing of a full disk.
        trial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        trial.touch()
        trial.unlink()
        with file.with_suffix(".lock").open("a"):
            pass
    except OSError as error:
        raise OSError(
            f"`{file.parent}`, which keeps the names of pulled presets, cannot be written "
            f"({error.strerror}: {error.filename}). Nothing was downloaded. Let KERAS_HOME name a "
            "folder that can, and run this again."
        ) from None
    read()


def write(name: str, entry: dict[str, str] | None) -> None:
    """Stores one name, or removes it if `entry` is `None`.

    Several processes may do so at once. A process that reads meanwhile, or a kill, leaves the old
    file or the new one.
    """
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file.with_suffix(".lock"), timeout=_LOCK_SECONDS)
    try:
        with lock:
            names = {key: value for key, value in read().items() if key != name}
            if entry is not None:
                names[name] = dict(sorted(entry.items()))
            write_json(file, {"presets": dict(sorted(names.items()))})
    except Timeout:
        raise TimeoutError(
            f"Another process has held `{lock.lock_file}` for {_LOCK_SECONDS} seconds. End it, "
            "and run this again."
        ) from None
