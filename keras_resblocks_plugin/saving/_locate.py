"""Resolution of names, handles and paths of presets to a checked folder on this machine."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from keras_resblocks_plugin._hub_client import fetch
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.saving._formats import choose_files, open_preset
from keras_resblocks_plugin.saving._other_formats import (
    which_function_loads_name,
    which_function_reads_file,
)
from keras_resblocks_plugin.saving._preset_folder import PresetFolder

Loaded = TypeVar("Loaded")


def load_checked(
    preset: str | Path,
    names: Mapping[str, dict],
    load: Callable[[PresetFolder], Loaded],
    of_task: bool = False,
    with_weights: bool = True,
) -> Loaded:
    """Opens and checks the folder that `locate` finds, and returns the result of `load`.

    The folder is one save, whole: if another process saves over it, it is opened again.

    Args:
        preset: A name, a folder, or `"hf://user/name"`.
        names: The known names, as `ResBlockBackbone.presets` gives them.
        load: Loads from the open folder.
        of_task: bool. Whether a task is loaded. Defaults to `False`.
        with_weights: bool. Whether the weights are needed. Those of a preset of this package are
            always there. Defaults to `True`.

    Raises:
        ValueError: If there is no such preset, or it is invalid.
        HubError: If it cannot be downloaded.
    """
    folder = Path(locate(preset, names, with_weights)).absolute()

    def open_and_load() -> Loaded:
        opened = open_preset(folder, str(preset), with_weights)
        opened.check(of_task)
        return load(opened)

    return one_save(folder, open_and_load)


def locate(preset: str | Path, names: Mapping[str, dict], with_weights: bool = True) -> str:
    """The folder of a preset name, path or handle.

    The repository of an `hf://` handle is downloaded, one commit whole, and its digests are
    checked. Of one in another library's format, `config.json` and one weights file are.

    Args:
        preset: A name, a folder, or `"hf://user/name"`, with `@revision` where wanted.
        names: The known names, as `ResBlockBackbone.presets` gives them.
        with_weights: bool. Whether the weights of another library's format are needed. Defaults
            to `True`.

    Raises:
        ValueError: If there is no such preset; the error names the function that reads it, or
            lists the closest names. Also if a repository's network cannot be built.
        HubError: If it cannot be downloaded.
    """
    preset = str(preset)
    handle = names[preset]["kaggle_handle"] if preset in names else preset
    if handle.startswith("hf://"):
        choose = choose_files(handle, with_weights)
        handle = str(fetch(handle, files=choose).folder)
    folder = Path(handle).expanduser()
    if folder.is_dir():
        return str(folder)
    if preset in names:
        raise ValueError(
            f"The preset {preset!r} is no longer where it was, in `{handle}`. Register or pull "
            f"it again. It came from: {names[preset]['metadata'].get('handle', handle)}"
        )
    describe = which_function_reads_file if folder.is_file() else which_function_loads_name
    if hint := describe(folder if folder.is_file() else preset):
        raise ValueError(f"`preset` is {hint} Received: preset={preset!r}")
    close = difflib.get_close_matches(preset, names, n=3) or sorted(names)
    raise ValueError(
        "`preset` must be the name of a preset, a folder, or a handle like "
        f"`hf://user/name`. Closest names: {', '.join(map(repr, close))}. "
        f"Received: preset={preset!r}"
    )
