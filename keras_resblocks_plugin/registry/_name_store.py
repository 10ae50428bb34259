"""Names of pulled presets, kept for later processes in a small file under the Keras home."""

import json
import os
import secrets
from pathlib import Path

from filelock import FileLock, Timeout

from keras_resblocks_plugin._utils._json import parse_json

_FILE = "keras_resblocks_plugin.json"
_KEYS = {"handle", "commit", "folder"}
_LOCK_SECONDS = 60


def path() -> Path:
    """The file, whether there is one or not."""
    # As Keras finds its home; what it found is private.
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
    """Checks that a name can be written, before anything is downloaded for it.

    Raises:
        OSError: If the folder cannot be written.
        ValueError: If the file cannot be read, or is not what this module writes.
    """
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # By doing it: `os.access` knows nothing of a full disk.
        trial = _beside(file)
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
    """Sets what is kept of one name, or forgets it where `entry` is `None`.

    Several processes may do so at once. A process that reads meanwhile, or a kill, finds
    the file as it was or as it is to be.
    """
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file.with_suffix(".lock"), timeout=_LOCK_SECONDS)
    try:
        with lock:
            names = {key: value for key, value in read().items() if key != name}
            if entry is not None:
                names[name] = entry
            _replace(file, json.dumps({"presets": names}, indent=2, sort_keys=True) + "\n")
    except Timeout:
        raise TimeoutError(
            f"Another process has held `{lock.lock_file}` for {_LOCK_SECONDS} seconds. End it, "
            "and run this again."
        ) from None


def _replace(file: Path, text: str) -> None:
    temporary = _beside(file)
    try:
        # Not by `tempfile`, whose files are their owner's alone whatever the umask says.
        with temporary.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.{secrets.token_hex(8)}")
