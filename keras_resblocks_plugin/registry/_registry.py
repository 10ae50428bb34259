"""Names of presets: those that ship with the package, and those that users register."""

import functools
import warnings
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils import _kerashub
from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.registry import _name_store
from keras_resblocks_plugin.registry._published import published_presets
from keras_resblocks_plugin.registry._pulled_names import parameters, refresh_pulled
from keras_resblocks_plugin.saving._preset_files import CONFIG_FILE
from keras_resblocks_plugin.saving._preset_folder import PresetFolder


def register_preset(name: str, handle: str | Path) -> None:
    """Makes a preset loadable by a name, in this process, by every `from_preset()`.

    Args:
        name: string. The name to load it by. It may replace a name registered before, but
            not one that ships with this package or with KerasHub.
        handle: string or path. The folder of the preset, or a handle (`"hf://user/name"`).

    Raises:
        ValueError: If the name is taken or invalid, or the folder does not exist.

    Example:

    ```python
    krp.register_preset("my_resblock", "./runs/my_resblock")
    backbone = keras_hub.models.Backbone.from_preset("my_resblock")
    ```
    """
    check_name(name)
    if not str(handle).startswith("hf://"):
        handle = local_path("handle", handle)
    if "@" in str(handle) and "://" in str(handle):
        raise ValueError(
            "`handle` must be without a revision, which KerasHub's own `from_preset()` does not "
            f"know. Pin one with `krp.pull_from_hub({str(handle)!r}, name={name!r})`. "
            f"Received: handle={str(handle)!r}"
        )
    _register(name, handle)


def check_name(name: str) -> None:
    """Checks that users may give a preset this name.

    Raises:
        ValueError: If the name is taken or invalid.
    """
    if not isinstance(name, str) or not name or "/" in name or "\\" in name or ":" in name:
        raise ValueError(
            f"`name` must be a plain name, without slashes or colons. Received: name={name!r}"
        )
    taken = name in _kerashub.builtin_preset_names() and name not in ResBlockBackbone.presets
    if taken or name in _bundled_folders():
        owner = "KerasHub" if taken else "this package"
        raise ValueError(f"`name` must be new, but {owner} has it. Received: name={name!r}")


def unregister_preset(name: str) -> None:
    """Forgets a name that `register_preset` or `pull_from_hub` made known, for good.

    The files stay where they are.

    Args:
        name: string. The name.

    Raises:
        ValueError: If there is no such name, or it ships with this package.
    """
    removable = sorted(set(ResBlockBackbone.presets) - set(_bundled_folders()))
    if name not in removable:
        raise ValueError(
            f"`name` must be one that was registered or pulled: {', '.join(removable) or 'none'}. "
            f"Received: name={name!r}"
        )
    if name in _name_store.read():
        _name_store.write(name, None)
    _kerashub.unregister_preset(name, ResBlockBackbone)


def list_presets(published: bool = False) -> dict[str, dict[str, Any]]:
    """All presets of this package by name, with where each comes from.

    Args:
        published: bool. Lists instead the published weights of other libraries that
            `from_preset()` and `pull_from_hub()` load by their handle. The list is part of the
            package, and needs no network. Defaults to `False`.

    Returns:
        For each name a dict with `source` (`"bundled"`, `"registered"` or `"hub"`),
        `handle` (a folder or an `hf://` handle) and, where it is on this disk,
        `parameters`. Those pulled from the Hub have their `commit` and `folder` too.
        For published weights, the name is the handle, and `source` is the library (`"timm"`).
        They have `parameters` (as `count_params()` of the classifier counts them), `image_size`
        (height and width), `num_classes` and `license` (`None` where timm names none). Some
        licenses exclude commercial use.

    Example:

    ```python
    published = krp.list_presets(published=True)
    small = {handle for handle, info in published.items() if info["parameters"] < 10e6}
    ```
    """
    if published:
        return published_presets()
    refresh_pulled()
    bundled = _bundled_folders()
    return {
        name: {
            "source": "bundled" if name in bundled else "registered",
            "handle": entry["kaggle_handle"],
            **entry["metadata"],
        }
        for name, entry in sorted(ResBlockBackbone.presets.items())
    }


def register_known_presets() -> None:
    """Registers the presets that ship with the package, and those that were pulled."""
    for name, folder in _bundled_folders().items():
        _register(name, folder)
    try:
        refresh_pulled()
    except ValueError as error:
        # It must not keep the package from being imported.
        warnings.warn(str(error), stacklevel=2)


def _register(name: str, handle: str | Path) -> None:
    metadata = {}
    if "://" not in str(handle):
        # Absolute, so that the name works from any working folder.
        folder = Path(handle).expanduser().resolve()
        if not (folder / CONFIG_FILE).is_file():
            raise ValueError(
                f"`handle` must be a preset folder, with a {CONFIG_FILE}, or a handle like "
                f"`hf://user/name`. Received: handle={str(handle)!r}"
            )
        handle, metadata = folder, parameters(PresetFolder(folder))
    _kerashub.register_preset(name, str(handle), metadata, ResBlockBackbone)


@functools.cache
def _bundled_folders() -> dict[str, Path]:
    package = Path(__file__).parents[1]
    # A wheel has the presets inside the package; a checkout has them beside it.
    root = package / "presets"
    if not root.is_dir() and (package.parent / "pyproject.toml").is_file():
        root = package.parent / "presets"
    return {config.parent.name: config.parent for config in sorted(root.glob(f"*/{CONFIG_FILE}"))}
