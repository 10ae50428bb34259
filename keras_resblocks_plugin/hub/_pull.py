"""Pulls a preset from the Hub and registers its name."""

from dataclasses import dataclass
from pathlib import Path

from keras_resblocks_plugin._hub_client import Handle, fetch, look_up
from keras_resblocks_plugin.hub._checks import check_shareable
from keras_resblocks_plugin.registry import _name_store
from keras_resblocks_plugin.registry._pulled_names import register_pulled
from keras_resblocks_plugin.registry._registry import check_name
from keras_resblocks_plugin.saving._preset_folder import PresetFolder


@dataclass(frozen=True)
class Pulled:
    """The result of a pull.

    Args:
        name: string. The name by which the preset now loads.
        handle: string. The repository and revision.
        commit: string. The commit that the name is pinned to.
        folder: Path. The local folder; `None` in a dry run.
        files: Tuple of strings. The files of the commit.
        fresh: bool. `True` if the Hub confirmed the commit; `False` if it could not be asked
            and the local cache answered.
    """

    name: str
    handle: str
    commit: str
    folder: Path | None
    files: tuple[str, ...]
    fresh: bool = True


def pull_from_hub(
    handle: str, name: str | None = None, *, dry_run: bool = False, token: str | None = None
) -> Pulled:
    """Downloads one commit of a preset, checks all of it, and registers it under a name.

    The name works in later processes, offline, in every `from_preset()` of KerasHub. It
    stays pinned to the commit: pull again to update it, and `krp.unregister_preset(name)`
    to forget it. The files lie in the Hub's cache.

    If the Hub cannot be reached, does not answer within 10 seconds (`HF_HUB_ETAG_TIMEOUT`) or
    asks to wait, a complete copy in the cache is checked and used, with a warning. Without such a
    copy, a pull waits as long as the Hub asks, up to 300 seconds. With `HF_HUB_OFFLINE` set, the
    cache is used, which is logged once.

    Args:
        handle: string. `"hf://user/name"`, with `@revision` for a branch, a tag or a commit.
        name: string. The name to load it by. Defaults to the repository's.
        dry_run: bool. Finds out what would be pulled, and changes nothing.
        token: string. A token, for a private repository. Defaults to the one of `hf auth login`.

    Returns:
        A `Pulled`, with the commit, the folder, and whether it is fresh.

    Raises:
        OSError: If the folder that keeps the names cannot be written. Nothing is downloaded then.
        ValueError: If the name is taken, or the preset is incomplete or damaged, or names
            classes that may not be built.
        HubError: If it cannot be downloaded. A previous pull is kept.

    Example:

    ```python
    krp.pull_from_hub("hf://me/my_resblock@v1.0", name="resblock_bn_mine")
    backbone = keras_hub.models.Backbone.from_preset("resblock_bn_mine")
    ```
    """
    source = Handle.parse(handle)
    name = source.name if name is None else name
    check_name(name)
    if dry_run:
        commit, files = look_up(source, token)
        return Pulled(name, str(source), commit, None, tuple(files))
    _name_store.check_writable()
    folder, commit, fresh = fetch(source, token)
    preset = PresetFolder(folder)
    check_shareable(preset)
    register_pulled(name, str(source), commit, preset)
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    return Pulled(name, str(source), commit, folder, tuple(files), fresh)
