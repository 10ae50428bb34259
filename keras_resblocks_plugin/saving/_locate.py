"""Resolution of names, handles and paths of presets to a checked folder on this machine."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from keras_resblocks_plugin._hub_client import fetch
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.saving._preset_folder import PresetFolder

Loaded = TypeVar("Loaded")


def load_checked(
    preset: str | Path,
    names: Mapping[str, dict],
    load: Callable[[PresetFolder], Loaded],
    of_task: bool = False,
) -> Loaded:
    """Opens and checks the folder that `locate` finds, and returns the result of `load`.

    The folder is one save, whole: if another process saves over it, it is opened again.

    Args:
        preset: A name, a folder, or `"hf://user/name"`.
        names: The known names, as `ResBlockBackbone.presets` gives them.
        load: Loads from the open folder.
        of_task: bool. Whether a task is loaded. Defaults to `False`.

    Raises:
        ValueError: If there is no such preset, or it is invalid.
        HubError: If it cannot be downloaded.
    """
    folder = Path(locate(preset, names)).absolute()

    def open_and_load() -> Loaded:
        opened = PresetFolder(folder)
        opened.check(of_task)
        return load(opened)

    return one_save(folder, open_and_load)


def locate(preset: str | Path, names: Mapping[str, dict]) -> str:
    """The folder of a preset name, path or handle.

    The repository of an `hf://` handle is downloaded, one commit whole, and its digests are
    checked.

    Args:
        preset: A name, a folder, or `"hf://user/name"`, with `@revision` where wanted.
        names: The known names, as `ResBlockBackbone.presets` gives them.

    Raises:
        ValueError: If there is no such preset; the error lists the closest names.
        HubError: If it cannot be downloaded.
    """
    preset = str(preset)
    handle = names[preset]["kaggle_handle"] if preset in names else preset
    if handle.startswith("hf://"):
        handle = str(fetch(handle).folder)
    folder = Path(handle).expanduser()
    if folder.is_dir():
        return str(folder)
    if preset in names:
        raise ValueError(
            f"The preset {preset!r} is no longer where it was, in `{handle}`. Register or pull "
            f"it again. It came from: {names[preset]['metadata'].get('handle', handle)}"
        )
    close = difflib.get_close_matches(preset, names, n=3) or sorted(names)
    raise ValueError(
        "`preset` must be the name of a preset, a folder, or a handle like "
        f"`hf://user/name`. Closest names: {', '.join(map(repr, close))}. "
        f"Received: preset={preset!r}"
    )
