"""Names of presets: those that ship with the package, and those that users register."""

import contextlib
import functools
import json
from pathlib import Path
from typing import Any

from keras_resblocks_plugin import _kerashub
from keras_resblocks_plugin.backbone import ResBlockBackbone
from keras_resblocks_plugin.preset_folder import CONFIG_FILE, METADATA_FILE


def register_preset(name: str, handle: str | Path) -> None:
    """Makes a preset loadable by a name, in this process, by every `from_preset()`.

    Args:
        name: The name to load it by. It may replace a name registered before, but not one
            that ships with this package or with KerasHub.
        handle: The folder of the preset, or a handle (`"hf://user/name"`).

    Raises:
        ValueError: If the name is taken or no name, or the folder does not exist.

    Example:

    ```python
    krp.register_preset("my_resblock", "./runs/my_resblock")
    backbone = keras_hub.models.Backbone.from_preset("my_resblock")
    ```
    """
    if not isinstance(name, str) or not name or "/" in name or "\\" in name or ":" in name:
        raise ValueError(
            f"`name` must be a plain name, without slashes or colons. Received: name={name!r}"
        )
    taken = name in _kerashub.builtin_preset_names() and name not in ResBlockBackbone.presets
    if taken or name in _bundled_folders():
        owner = "KerasHub" if taken else "this package"
        raise ValueError(f"`name` must be new, but {owner} has it. Received: name={name!r}")
    _register(name, handle)


def list_presets() -> dict[str, dict[str, Any]]:
    """All presets of this package by name, with where each comes from.

    Returns:
        For each name a dict with `source` (`"bundled"` or `"registered"`), `handle` (a
        folder or an `hf://` handle) and, where it is on this disk, `parameters`.
    """
    bundled = _bundled_folders()
    return {
        name: {
            "source": "bundled" if name in bundled else "registered",
            "handle": entry["kaggle_handle"],
            **entry["metadata"],
        }
        for name, entry in sorted(ResBlockBackbone.presets.items())
    }


def register_bundled_presets() -> None:
    """Registers every preset folder that ships with the package; a new folder is a new preset."""
    for name, folder in _bundled_folders().items():
        _register(name, folder)


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
        handle = folder
        # A damaged preset is reported when it is loaded, and not by every import of this package.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            text = (folder / METADATA_FILE).read_text(encoding="utf-8")
            metadata["parameters"] = json.loads(text)["parameter_count"]
    _kerashub.register_preset(name, str(handle), metadata, ResBlockBackbone)


@functools.cache
def _bundled_folders() -> dict[str, Path]:
    package = Path(__file__).parent
    # A wheel has the presets inside the package; a checkout has them beside it.
    root = package / "presets"
    if not root.is_dir() and (package.parent / "pyproject.toml").is_file():
        root = package.parent / "presets"
    return {config.parent.name: config.parent for config in sorted(root.glob(f"*/{CONFIG_FILE}"))}
