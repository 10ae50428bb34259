"""Presets that were pulled from the Hub, known by name in this process and in later ones."""

import contextlib

from keras_resblocks_plugin._utils import _kerashub
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.registry import _name_store
from keras_resblocks_plugin.saving._preset_files import METADATA_FILE
from keras_resblocks_plugin.saving._preset_folder import PresetFolder


def register_pulled(name: str, handle: str, commit: str, preset: PresetFolder) -> None:
    """Makes a pulled preset loadable by a name, in this process and in later ones."""
    entry = {"handle": handle, "commit": commit, "folder": str(preset.path)}
    _name_store.write(name, entry)
    _register(name, entry, preset)


def refresh_pulled() -> None:
    """Brings the names that were pulled, by any process, up to date.

    Raises:
        ValueError: If the file that keeps them is damaged.
    """
    stored = _name_store.read()
    pulled = {n for n, e in ResBlockBackbone.presets.items() if e["metadata"].get("commit")}
    for name in pulled - stored.keys():
        _kerashub.unregister_preset(name, ResBlockBackbone)
    # A later version may ship a preset of a stored name, and this process may have registered
    # one: these stay what they are.
    for name in stored.keys() - (_kerashub.builtin_preset_names() - pulled):
        _register(name, stored[name], PresetFolder(stored[name]["folder"]))


def parameters(preset: PresetFolder) -> dict[str, int]:
    """The number of a preset's parameters under the key `parameters`, where it is known."""
    # Loading reports a damaged preset; importing this package does not.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return {"parameters": preset.json(METADATA_FILE)["parameter_count"]}
    return {}


def _register(name: str, entry: dict[str, str], preset: PresetFolder) -> None:
    metadata = {"source": "hub", **entry, **parameters(preset)}
    _kerashub.register_preset(name, entry["folder"], metadata, ResBlockBackbone)
