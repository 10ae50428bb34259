"""Records of the settings that made a file, which are compared before it is used again.

Settings are nested dicts of JSON values: everything that the file depends on. The folder of a run
has a file of its own for them, a JSON result has them under `MADE_BY`, and the name of a cached
file contains their hash.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._jsonfile import to_json, write_json

# The key of a JSON result that holds its settings.
MADE_BY = "made_by"
# Long values, such as lists of classes, are cut in errors.
_SHOWN = 120


def normalized(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings as JSON loads them: tuples are lists, and all keys are strings."""
    return json.loads(to_json(settings))


def key(settings: Mapping[str, Any]) -> str:
    """Returns a short hash of settings, for names of files."""
    text = to_json(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check(kept: Mapping[str, Any] | None, wanted: Mapping[str, Any], what: str, way_out: str):
    """Checks that a file was made with the current settings.

    Args:
        kept: The recorded settings, or `None` if there is no record.
        wanted: The current settings.
        what: The name of the file, for the error.
        way_out: What the user can do, for the error.

    Raises:
        ValueError: If there is no record, or a setting differs. The error names each one.
    """
    if kept is None:
        raise ValueError(
            f"{what} has no record of the settings that made it, so it is not used again. {way_out}"
        )
    changed = differences(kept, wanted)
    if changed:
        raise ValueError(f"{what} was made with other settings: {'; '.join(changed)}. {way_out}")


def differences(kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Describes each setting that differs, with both values."""
    there, here = (dict(_flat(normalized(settings))) for settings in (kept, wanted))
    return [
        f"`{name}` was {_shown(there, name)}, now {_shown(here, name)}"
        for name in dict.fromkeys([*here, *there])
        if name not in here or name not in there or here[name] != there[name]
    ]


def claim(file: Path, settings: Mapping[str, Any], is_used: bool, way_out: str) -> None:
    """Records the settings of a folder, or checks that it has the same.

    Args:
        file: The record in the folder.
        settings: The current settings.
        is_used: Whether the folder has files that would be used again. If not, an earlier
            record is replaced.
        way_out: What the user can do if the settings differ, for the error.

    Raises:
        ValueError: If the folder is used and has other settings.
    """
    if is_used:
        kept = json.loads(file.read_text()) if file.exists() else None
        check(kept, settings, str(file.parent), way_out)
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, normalized(settings))


def read_result(file: Path, settings: Mapping[str, Any], way_out: str) -> dict[str, Any] | None:
    """Reads a JSON result with its settings; returns `None` if there is no file.

    Raises:
        ValueError: If it was made with other settings.
    """
    if not file.exists():
        return None
    result = json.loads(file.read_text())
    check(result.get(MADE_BY), settings, str(file), way_out)
    return result


def write_result(file: Path, result: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Writes a JSON result with its settings."""
    write_json(file, {**result, MADE_BY: normalized(settings)})


def digest(folder: Path, names: Iterable[str]) -> str:
    """Returns a digest of some files of a folder, missing ones included."""
    total = hashlib.sha256()
    for name in names:
        file = folder / name
        part = b"missing"
        if file.is_file():
            with file.open("rb") as stream:
                part = hashlib.file_digest(stream, "sha256").digest()
        total.update(part)
    return total.hexdigest()[:16]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(settings: Mapping[str, Any], name: str) -> str:
    if name not in settings:
        return "not set"
    text = to_json(settings[name], ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
