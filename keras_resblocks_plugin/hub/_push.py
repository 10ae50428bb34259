"""Push of a preset to the Hub, in one commit that is verified after it arrived."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import keras

from keras_resblocks_plugin._hub_client import Handle, HubClient, check_revision
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import check_saves_inside
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.hub._card import task_name
from keras_resblocks_plugin.hub._checks import check_shareable_adapter, load_finite
from keras_resblocks_plugin.hub._contents import copy_contents
from keras_resblocks_plugin.hub._upload import Upload
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.saving._locate import locate
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._saving import saving_preset


@dataclass(frozen=True)
class Pushed:
    """The result of a push.

    Args:
        repo_id: string. The repository, `"user/name"`.
        commit: string. The commit that has the preset; `None` in a dry run.
        url: string. The page of the commit or pull request.
        load_line: string. The line of Python that loads the preset or the adapter.
        changed: Tuple of strings. The files that were sent or deleted, or would be in a dry run.
    """

    repo_id: str
    commit: str | None
    url: str
    load_line: str
    changed: tuple[str, ...]


def push_to_hub(
    preset_or_model: str | Path | keras.Model,
    handle: str,
    *,
    private: bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    overwrite_card: bool = False,
    dry_run: bool = False,
    token: str | None = None,
) -> Pushed:
    """Pushes a preset to the Hugging Face Hub, in one commit, and checks what arrived.

    Before anything is sent, the preset is loaded and its weights are checked. Only files
    that changed are sent: pushing the same preset again makes no commit, and no second pull
    request where one that this package opened has all of it and is still open.

    The Hub has 10 seconds for each answer (`HF_HUB_ETAG_TIMEOUT`) and for the next bytes of a
    file (`HF_HUB_DOWNLOAD_TIMEOUT`); a slow file takes as long as it takes. A Hub that asks to
    wait is waited for, up to 300 seconds in all.

    Args:
        preset_or_model: string, path or model. A preset's folder or name, or a
            `ResBlockBackbone` or a KerasHub task on one; or a folder with an adapter,
            `adapter.safetensors`, alone.
        handle: string. `"hf://user/name"`. The repository is created if it does not exist.
        private: bool. Makes a new repository private. Defaults to the account's setting.
        revision: string. The branch, which is created if it does not exist. Defaults to `"main"`.
        create_pr: bool. Opens a pull request, unless there is one with the same content.
            Defaults to `False`.
        overwrite_card: bool. Replaces a card that people edited. By default it stays, with
            the new results in its metadata.
        dry_run: bool. Finds out what would be sent, and changes nothing.
        token: string. A token with write access. Defaults to the one of `hf auth login`.

    Returns:
        A `Pushed`, with the commit, its URL and the line that loads the preset.

    Raises:
        ValueError: If the preset is not complete or its weights are not finite.
        HubError: If the push did not succeed; it can be repeated.

    Example:

    ```python
    pushed = krp.push_to_hub("runs/my_resblock", "hf://me/my_resblock")
    print(pushed.url, pushed.load_line)
    ```
    """
    target = _target(handle, revision, create_pr)
    client = HubClient(token)
    with tempfile.TemporaryDirectory(prefix="keras_resblocks_plugin_") as parent:
        folder = Path(parent) / target.name
        preset, saved_class = _write_checked(preset_or_model, folder, client.token)
        upload = Upload(client, target, preset, create_pr, overwrite_card)
        if dry_run:
            commit, changed = None, upload.compare()
            url = f"{client.api.endpoint}/{target.repo_id}"
        else:
            commit, url, changed = upload.send(private)
        pull_request = re.search(r"/discussions/(\d+)$", url)
        if pull_request:
            target = Handle(target.repo_id, f"refs/pr/{pull_request[1]}")
        load_line = _load_line(saved_class, target)
        return Pushed(target.repo_id, commit, url, load_line, tuple(changed))


def _target(handle: str, revision: str | None, create_pr: bool) -> Handle:
    target = Handle.parse(handle)
    if revision is not None and target.revision not in (None, revision):
        raise ValueError(
            "`revision` must be that of `handle`, or be left out. "
            f"Received: revision={revision!r}, handle={handle!r}"
        )
    branch = revision or target.revision
    if branch is not None and re.fullmatch("[0-9a-f]{40}", check_revision(branch)):
        raise ValueError(
            "`revision` must be a branch: nothing can be added to a commit. "
            f"Received: revision={branch!r}"
        )
    if create_pr and branch not in (None, "main"):
        raise ValueError(
            "`create_pr=True` opens a pull request against main: leave `revision` out. "
            f"Received: revision={branch!r}"
        )
    return Handle(target.repo_id, branch)


def _write_checked(
    preset_or_model: str | Path | keras.Model, folder: Path, token: str | None
) -> tuple[PresetFolder, type | None]:
    """Writes the files of a push to a new folder; returns it and the result of `_check`."""
    if isinstance(preset_or_model, str | Path):
        source = Path(locate(preset_or_model, ResBlockBackbone.presets)).absolute()

        def check_and_copy() -> tuple[PresetFolder, type | None]:
            preset = PresetFolder(source)
            saved_class = _check(preset)
            return copy_contents(preset, folder, token), saved_class

        # An adapter is replaced as a file, a preset as a folder.
        is_adapter = PresetFolder(source).is_adapter
        return one_save(source / ADAPTER_FILE if is_adapter else source, check_and_copy)
    if not hasattr(preset_or_model, "save_to_preset"):
        raise ValueError(
            "`preset_or_model` must be a preset's folder or name, a `ResBlockBackbone`, or a "
            f"KerasHub task on one. Received: {preset_or_model!r}"
        )
    check_saves_inside(getattr(preset_or_model, "preprocessor", None))
    with saving_preset(folder) as save:
        preset_or_model.save_to_preset(str(save.path))
    preset = save.preset.at(folder)
    return preset, _check(preset)


def _check(preset: PresetFolder) -> type | None:
    """Validates the folder to push, and returns its class, or `None` for an adapter."""
    if preset.is_adapter:
        check_shareable_adapter(preset)
        return None
    return type(load_finite(preset))


def _load_line(cls: type | None, target: Handle) -> str:
    if cls is None:
        return f'model.load_lora_weights("{target}")'
    if target.revision in (None, "main"):
        name = task_name(cls.__name__) or "Backbone"
        return f'keras_hub.models.{name}.from_preset("hf://{target.repo_id}")'
    # KerasHub's own classes know no revisions.
    if cls.__module__.startswith(f"{PACKAGE}."):
        return f'krp.{cls.__name__}.from_preset("{target}")'
    return f'krp.pull_from_hub("{target}")'
