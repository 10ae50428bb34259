"""timm's weights and `config.json` on the Hub, in a folder, or as files."""

from collections.abc import Callable, Collection
from pathlib import Path

from keras_resblocks_plugin._hub_client import fetch
from keras_resblocks_plugin.convert import _timm_config
from keras_resblocks_plugin.convert._checkpoint import CONFIG_FILE, SAFETENSORS_FILE
from keras_resblocks_plugin.saving._source import as_handle

# In timm's order of preference.
_WEIGHTS_FILES = (SAFETENSORS_FILE, "pytorch_model.bin")


def find_checkpoint(source: str | Path) -> Path:
    """Returns the weights file of a Hub handle, a folder or a file.

    Only `config.json` and one weights file of a repository are downloaded, and the weights only if
    the network can be built.

    Raises:
        ValueError: If there is no such folder or file, if it has no weights, or if the network
            cannot be built.
        HubError: If it cannot be downloaded.
    """
    handle = as_handle(source)
    if handle is not None:
        return find_weights(fetch(handle, files=_choose_files).folder, source)
    path = Path(source).expanduser()
    if not path.exists():
        raise ValueError(
            "`source` must be a Hub handle such as `hf://timm/resnet18.a1_in1k`, an existing "
            f"folder that timm saved, or an existing weights file. Received: source={str(source)!r}"
        )
    return find_weights(path, source) if path.is_dir() else path


def find_weights(folder: Path, source: object) -> Path:
    """Returns the weights file in a folder.

    Raises:
        ValueError: If there is none.
    """
    for name in _WEIGHTS_FILES:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(
        f"`source` must contain {' or '.join(_WEIGHTS_FILES)}, as timm saves them. "
        f"Received: source={str(source)!r}"
    )


def choose_weights(names: Collection[str]) -> list[str]:
    """Returns the weights file to download: many repositories have the same in two formats."""
    there = [name for name in _WEIGHTS_FILES if name in names]
    # Of a commit that is not whole in the cache, not all names are known.
    return there[:1] or list(_WEIGHTS_FILES)


def _choose_files(names: Collection[str], get: Callable[[str], Path]) -> list[str]:
    if CONFIG_FILE in names:
        _timm_config.read_config(get(CONFIG_FILE))
    return [CONFIG_FILE, *choose_weights(names)]
