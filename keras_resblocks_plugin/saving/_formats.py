"""The formats in which `from_preset` finds a model: this package's, and those of other libraries.

A room that converts another library's format enters a reader of it in `READERS`.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin.saving._other_formats import which_function_reads
from keras_resblocks_plugin.saving._preset_files import CONFIG_FILE, INDEX_FILE
from keras_resblocks_plugin.saving._preset_folder import PresetFolder, check_is_ours


class Reader(Protocol):
    """A reader of another library's folders, which have a `config.json`."""

    def reads(self, config: dict[str, Any]) -> bool:
        """Tells whether a `config.json` is of this format. The network may still be unknown."""

    def choose_files(self, file: Path, names: Collection[str], with_weights: bool) -> list[str]:
        """The files to download.

        Args:
            file: The `config.json`.
            names: The names of all files.
            with_weights: bool. Whether the weights are needed.

        Raises:
            ValueError: If the network cannot be built.
        """

    def open(self, folder: Path, source: str, with_weights: bool) -> PresetFolder:
        """Opens a folder of this format as if it were a preset of this package.

        Args:
            folder: The folder.
            source: The folder or handle as the user wrote it, for errors.
            with_weights: bool. Whether the weights are needed.

        Raises:
            ValueError: If the network cannot be built.
        """


READERS: list[Reader] = []


def has_reader(folder: Path) -> bool:
    """Tells whether a folder is in another library's format, which a reader reads."""
    if (folder / INDEX_FILE).exists() or not (folder / CONFIG_FILE).is_file():
        return False
    return _reader_of(read_json(folder / CONFIG_FILE)) is not None


def open_preset(folder: Path, source: str, with_weights: bool = True) -> PresetFolder:
    """Opens a folder in the format that it has.

    Args:
        folder: The folder.
        source: The folder or handle as the user wrote it, for errors.
        with_weights: bool. Whether the weights are needed. Defaults to `True`.

    Raises:
        ValueError: If another function reads this folder, or if the network cannot be built.
    """
    preset = PresetFolder(folder)
    if preset.has(INDEX_FILE):
        return preset
    config = preset.json(CONFIG_FILE) if preset.has(CONFIG_FILE) else {}
    reader = _reader_of(config)
    if reader is not None:
        return reader.open(folder, source, with_weights)
    _refuse_others(folder, config, source)
    return preset


def choose_files(source: str, with_weights: bool = True, strict: bool = True) -> Callable:
    """Returns the function by which `fetch` chooses the files of a repository.

    It reads `config.json` first, so that a network that cannot be built is refused before its
    weights are downloaded.

    Args:
        source: The handle, for errors.
        with_weights: bool. Whether the weights are needed. Defaults to `True`.
        strict: bool. Whether to refuse what is no preset of this package and has no reader.
            Defaults to `True`.
    """

    def choose(names: Collection[str], get: Callable[[str], Path]) -> Sequence[str] | None:
        if INDEX_FILE in names or CONFIG_FILE not in names:
            return None
        file = get(CONFIG_FILE)
        config = read_json(file)
        reader = _reader_of(config)
        if reader is not None:
            return reader.choose_files(file, names, with_weights)
        if strict:
            _refuse_others(file.parent, config, source)
        return None

    return choose


def _reader_of(config: dict[str, Any]) -> Reader | None:
    return next((reader for reader in READERS if reader.reads(config)), None)


def _refuse_others(folder: Path, config: dict[str, Any], source: str) -> None:
    if hint := which_function_reads(folder, config):
        raise ValueError(f"`preset` is {hint} Received: preset={source!r}")
    if config:
        check_is_ours(folder / CONFIG_FILE, config)
