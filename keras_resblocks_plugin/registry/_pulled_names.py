"""Presets that were pulled from the Hub, known by name in this process and in later ones."""

import contextlib
from pathlib import Path

from keras_resblocks_plugin._utils import _kerashub
from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.registry import _name_store
from keras_resblocks_plugin.saving._preset_files import METADATA_FILE


def register_pulled(name: str, handle: str, commit: str, folder: Path) -> None:
    """Makes a pulled preset loadable by a name, for good."""
    entry = {"handle": handle, "commit": commit, "folder": str(folder)}
    _name_store.write(name, entry)
    _register(name, entry)


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
        _register(name, stored[name])


def parameters(folder: Path) -> dict[str, int]:
    """The number of a preset's parameters under the key `parameters`, where it is known."""
    # A damaged preset is reported when it is loaded, and not by every import of this package.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return {"parameters": read_json(folder / METADATA_FILE)["parameter_count"]}
    return {}


def _register(name: str, entry: dict[str, str]) -> None:
    metadata = {"source": "hub", **entry, **parameters(Path(entry["folder"]))}
    _kerashub.register_preset(name, entry["folder"], metadata, ResBlockBackbone)
