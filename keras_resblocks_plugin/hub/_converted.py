"""Presets made of another library's weights, with a record of their source and a card."""

from pathlib import Path

import keras

from keras_resblocks_plugin._hub_client import Handle
from keras_resblocks_plugin.hub._card import model_card
from keras_resblocks_plugin.hub._checks import check_shareable
from keras_resblocks_plugin.registry import _name_store
from keras_resblocks_plugin.saving._formats import open_preset
from keras_resblocks_plugin.saving._loading import load_model
from keras_resblocks_plugin.saving._source import CARD_FILE, Source, license_of


def save_converted(model: keras.Model, origin: Source, folder: str | Path) -> None:
    """Saves a converted model as a preset that says where its weights come from.

    Args:
        model: A backbone or task of this package.
        origin: The source of the weights.
        folder: The folder of the preset.
    """
    model.save_to_preset(str(folder))
    origin.record().save(folder)
    # The last file: a folder that has it is whole.
    model_card(folder).save(Path(folder) / CARD_FILE)


def converted(downloaded: Path, handle: Handle, commit: str, name: str) -> Path:
    """Returns the folder of the preset that a downloaded commit was converted to.

    It is kept under the Keras home. A commit that was converted before is not converted again.

    Args:
        downloaded: The folder of the commit in the Hub's cache.
        handle: The repository.
        commit: The commit.
        name: The name of the preset.

    Raises:
        ValueError: If the commit cannot be converted.
    """
    root = _name_store.path().with_suffix("") / "converted"
    folder = root / handle.repo_id.replace("/", "--") / commit / name
    if not _is_whole(folder):
        preset = open_preset(downloaded, str(handle))
        preset.check(of_task=True)
        origin = Source(f"hf://{handle.repo_id}", commit, license_of(downloaded))
        save_converted(load_model(preset), origin, folder)
    return folder


def _is_whole(folder: Path) -> bool:
    if not (folder / CARD_FILE).is_file():
        return False
    try:
        check_shareable(folder)
    except ValueError:
        return False
    return True
