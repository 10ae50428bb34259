"""Atomic saving of a model's parts to one preset folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from keras_resblocks_plugin._utils._advice import ADVICE
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin._utils._replace import replacing
from keras_resblocks_plugin.saving._file_checks import OBJECT_FILES, check_object_file
from keras_resblocks_plugin.saving._head import write_digest
from keras_resblocks_plugin.saving._preset_files import (
    METADATA_FILE,
    TASK_WEIGHTS_FILE,
    WEIGHTS_FILE,
    to_metadata,
)
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._stored_weights import DIGEST

_DTYPES = (None, "bfloat16", "float16")
_being_saved = {}


class PresetSave:
    """A preset folder that is being written.

    Args:
        path: The folder that is being filled.
        place: Where it goes in the end, for errors.
        dtype: The dtype in which kernels are stored; `None` for their own.

    Attributes:
        preset: The folder, as it is read back.
    """

    def __init__(self, path: Path, place: Path, dtype: str | None):
        self.path, self.place, self.dtype = path, place, dtype
        self.preset = PresetFolder(path)
        self._written = set()

    def wrote(self, *names: str) -> None:
        """Notes that files were written; those that hold a model are checked at the end."""
        self._written.update(names)
        for name in names:
            self.preset.forget(name)

    def update_metadata(self, **entries: str | int) -> None:
        """Sets entries of the preset's metadata."""
        metadata = self.preset.json(METADATA_FILE) | entries
        self.preset.set_json(METADATA_FILE, metadata, to_metadata(metadata))

    def list_head(self) -> None:
        """Notes in the metadata and in the head that it belongs to the backbone's weights."""
        self.update_metadata(task_weights=TASK_WEIGHTS_FILE)
        digest = self.preset.header(WEIGHTS_FILE).metadata[DIGEST]
        write_digest(self.path / TASK_WEIGHTS_FILE, digest)
        self.preset.forget(TASK_WEIGHTS_FILE)

    def check(self) -> None:
        """Checks that what was saved can be loaded again.

        Raises:
            ValueError: If an argument of the model is not one that a preset may hold.
        """
        for name in OBJECT_FILES:
            if name not in self._written or not self.preset.has(name):
                continue
            try:
                check_object_file(self.preset, name)
            except ValueError as error:
                reason = str(error).replace(str(self.path), str(self.place))
                reason = reason.replace(f" {ADVICE}", "")
                raise ValueError(
                    f"Nothing was saved, since the preset could not be loaded again. {reason}"
                ) from None


@contextlib.contextmanager
def saving_preset(preset_dir: str | Path, dtype: str | None = None) -> Iterator[PresetSave]:
    """Gives a preset folder to write, which atomically appears in its place at the end.

    KerasHub calls `save_to_preset` of a model's parts with the folder that is being filled: they
    join the save that is under way, with its `dtype`.

    Args:
        preset_dir: The folder, on this machine; `~` is the user's home.
        dtype: string. `"bfloat16"` or `"float16"` to store kernels in half the size, or `None`.

    Raises:
        ValueError: If the saved preset could not be loaded again. Nothing is saved then.
    """
    if dtype not in _DTYPES:
        raise ValueError(
            f"`dtype` must be one of {', '.join(map(repr, _DTYPES))}. Received: dtype={dtype!r}"
        )
    place = local_path("preset_dir", preset_dir)
    with replacing(place) as path:
        if path in _being_saved:
            save = _being_saved[path]
            save.dtype = dtype or save.dtype
            yield save
            return
        _being_saved[path] = save = PresetSave(path, place, dtype)
        try:
            yield save
            save.check()
        finally:
            del _being_saved[path]
