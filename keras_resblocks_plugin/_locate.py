"""From what a user calls a preset to a folder on this disk that was checked."""

import difflib
from collections.abc import Mapping
from pathlib import Path

from keras_resblocks_plugin.hub_client import fetch
from keras_resblocks_plugin.preset_folder import check_preset


def locate_checked(preset: str | Path, names: Mapping[str, dict]) -> str:
    """The folder that `locate` finds, checked by `check_preset`."""
    folder = locate(preset, names)
    check_preset(folder)
    return folder


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
