"""Pulls a preset from the Hub and registers its name."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from keras_resblocks_plugin._hub_client import Handle, fetch, look_up
from keras_resblocks_plugin.hub._checks import check_shareable
from keras_resblocks_plugin.hub._converted import converted
from keras_resblocks_plugin.registry import _name_store
from keras_resblocks_plugin.registry._pulled_names import register_pulled
from keras_resblocks_plugin.registry._registry import check_name
from keras_resblocks_plugin.saving._formats import choose_files, has_reader
from keras_resblocks_plugin.saving._preset_files import CONFIG_FILE, INDEX_FILE
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._source import CARD_FILE


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

    A repository of timm is converted to a preset, with its source and its license in the card.
    Of it, `config.json` and one weights file are downloaded.

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
        dry_run: bool. Finds out what would be pulled, and changes no name and no preset.
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
    choose = choose_files(str(source), strict=False)
    if dry_run:
        commit, files = look_up(source, token)
        if INDEX_FILE not in files and CONFIG_FILE in files:
            pinned = fetch(source._replace(revision=commit), token, [CONFIG_FILE])
            files = choose(files, lambda file: pinned.folder / file) or files
        return Pulled(name, str(source), commit, None, tuple(sorted(files)))

    def choose_with_card(names: Collection[str], get: Callable[[str], Path]) -> list[str] | None:
        chosen = choose(names, get)
        # The card of another library's repository tells the license.
        return None if chosen is None else [*chosen, *({CARD_FILE} & {*names})]

    _name_store.check_writable()
    folder, commit, fresh = fetch(source, token, choose_with_card)
    if has_reader(folder):
        folder = converted(folder, source, commit, name)
    preset = PresetFolder(folder)
    check_shareable(preset)
    register_pulled(name, str(source), commit, preset)
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    return Pulled(name, str(source), commit, folder, tuple(files), fresh)
