"""The source of converted weights, as a preset records it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from keras_resblocks_plugin._hub_client import Handle, NotCachedError, look_up
from keras_resblocks_plugin.saving._training_record import TrainingRecord


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
    license: str = "other"
    data: str | None = None

    @classmethod
    def of(cls, source: str | Path, license: str = "other", data: str | None = None) -> "Source":
        """Finds the current commit of a Hub handle, so that the record says what was read.

        Without a network, a handle stays as it is, and the commit in the Hub's cache is read.

        Args:
            source: A file, a folder, or a Hub handle, with or without `hf://`.
            license: The license of the weights.
            data: The name of the data that they were trained on.

        Raises:
            ValueError: If it is neither a path nor a handle.
            HubError: If there is no such repository.
        """
        source = str(source)
        if Path(source).exists() or "/" not in source:
            return cls(source, None, license, data)
        handle = Handle.parse(source if source.startswith("hf://") else f"hf://{source}")
        try:
            commit, _ = look_up(handle)
        except NotCachedError:
            return cls(str(handle), None, license, data)
        return cls(str(handle._replace(revision=None)), commit, license, data)

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
