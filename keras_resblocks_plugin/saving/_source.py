"""The source of converted weights, as a preset records it."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import metadata_load
from yaml import YAMLError

from keras_resblocks_plugin._hub_client import Handle, NotCachedError, fetch
from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin.saving._preset_files import CONFIG_FILE
from keras_resblocks_plugin.saving._training_record import TrainingRecord

CARD_FILE = "README.md"
_UNKNOWN_LICENSE = "other"
# A name with one of these suffixes is a file and not a repository without `hf://`.
_FILES = {".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".tar", ".h5"}


@dataclass(frozen=True)
class Source:
    """The origin of the weights of a conversion.

    Args:
        location: A path, or a Hub handle.
        revision: The commit of a Hub handle.
        license: The license of the weights.
        data: The name of the data that they were trained on.
    """

    location: str
    revision: str | None = None
    license: str = _UNKNOWN_LICENSE
    data: str | None = None

    @classmethod
    def of(
        cls, source: str | Path, license: str | None = None, data: str | None = None
    ) -> "Source":
        """Finds the current commit of a Hub handle, so that the record says what was read.

        Without a network, the commit in the Hub's cache is found. Weights are not downloaded.

        Args:
            source: A file, a folder, or a Hub handle, with or without `hf://`.
            license: The license of the weights. Defaults to the one that the card or the
                `config.json` of the source names, or else to `"other"`.
            data: The name of the data that they were trained on.

        Raises:
            ValueError: If it is an invalid handle.
            HubError: If there is no such repository.
        """
        source = str(source)
        handle = as_handle(source)
        if handle is None:
            return cls(source, None, license or license_of(Path(source).expanduser()), data)
        try:
            found = fetch(handle, files=lambda names, _: {CARD_FILE, CONFIG_FILE} & {*names})
        except NotCachedError:
            return cls(str(handle), None, license or _UNKNOWN_LICENSE, data)
        location = str(handle._replace(revision=None))
        return cls(location, found.commit, license or license_of(found.folder), data)

    def __str__(self) -> str:
        """The location, with the commit: what a conversion reads."""
        return f"{self.location}@{self.revision}" if self.revision else self.location

    @property
    def description(self) -> str:
        """The source in words that identify it even when the file is gone."""
        file = Path(self.location)
        if not file.is_file():
            return file.resolve().name if file.is_dir() else str(self)
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return f"{file.name}, SHA-256 {digest}"

    def record(self) -> TrainingRecord:
        """The record of a preset with these weights."""
        return TrainingRecord(
            license=self.license,
            start={"converted from": self.description},
            data={"name": self.data} if self.data else None,
        )


def as_handle(source: str | Path) -> Handle | None:
    """Returns the Hub handle of a source, with or without `hf://`; `None` for a path.

    Raises:
        ValueError: If it begins with `hf://` and is no handle.
    """
    source = str(source)
    if source.startswith("hf://"):
        return Handle.parse(source)
    is_path = Path(source).expanduser().exists() or Path(source).suffix in _FILES
    is_name = not is_path and re.fullmatch(r"[\w.-]+/[\w.-]+(@\S+)?", source)
    return Handle.parse(f"hf://{source}") if is_name else None


def license_of(folder: Path) -> str:
    """Returns the license of weights, from their card or timm's `config.json`, or `"other"`.

    Args:
        folder: The folder of the weights.
    """
    return _of_card(folder / CARD_FILE) or _of_config(folder / CONFIG_FILE) or _UNKNOWN_LICENSE


def _of_card(file: Path) -> str | None:
    try:
        content = metadata_load(file) if file.is_file() else None
        return _identifier((content or {}).get("license"))
    except (OSError, ValueError, YAMLError):
        # A card is for people: that it cannot be parsed is no reason against its weights.
        return None


def _of_config(file: Path) -> str | None:
    config = read_json(file) if file.is_file() else {}
    parts = (config.get("pretrained_cfg"), config)
    found = (part.get("license") for part in parts if isinstance(part, dict))
    return next(filter(None, map(_identifier, found)), None)


def _identifier(value: Any) -> str | None:
    # As the Hub's identifiers are written.
    is_identifier = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.+-]{1,64}", value)
    return value.lower() if is_identifier else None
