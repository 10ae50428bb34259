"""Names, handles and paths of presets, resolved to a checked folder on this disk."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from keras_resblocks_plugin._hub_client import fetch
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.saving._preset_folder import check_preset

Loaded = TypeVar("Loaded")


def load_checked(
    preset: str | Path,
    names: Mapping[str, dict],
    load: Callable[[str], Loaded],
    of_task: bool = False,
) -> Loaded:
    """Returns what `load` makes of the folder that `locate` finds, once it is checked.

    The folder is one save, whole: if another process saves over it, `load` is called again.
    """
    folder = str(Path(locate(preset, names)).absolute())

    def load_this() -> Loaded:
        check_preset(folder, of_task)
        return load(folder)

    return one_save(folder, load_this)


def locate(preset: str | Path, names: Mapping[str, dict]) -> str:
    """The folder that a preset name, folder or handle stands for.

    What an `hf://` handle stands for is downloaded, one commit whole, and its digests are
    checked too.

    Args:
        preset: A name, a folder, or `"hf://user/name"`, with `@revision` where wanted.
        names: What each known name stands for, as `ResBlockBackbone.presets` gives it.

    Raises:
        ValueError: If it is none of these; the error lists the closest names.
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
