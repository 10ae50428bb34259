"""Downloads of whole commits, with the digest of every file checked."""

import hashlib
import logging
import os
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from huggingface_hub import ResolvedRevision, is_offline_mode
from huggingface_hub.hf_api import RepoFile

from keras_resblocks_plugin._hub_client._client import HubClient
from keras_resblocks_plugin._hub_client._errors import (
    BusyError,
    DamagedError,
    HubError,
    NotCachedError,
)
from keras_resblocks_plugin._hub_client._handle import Handle

_ATTEMPTS = 3
_DIGEST = re.compile("[0-9a-f]{40}|[0-9a-f]{64}").fullmatch
_log = logging.getLogger(__name__)
_said_offline: set[bool] = set()

# Gets the names of all files and a function that downloads one of them and returns its path.
# Returns the names of the files to download, or `None` for all. Raises to refuse the repository.
Choose = Callable[[Collection[str], Callable[[str], Path]], Collection[str] | None]


class Snapshot(NamedTuple):
    """A commit on this disk; `fresh` is `False` if the Hub could not be reached."""

    folder: Path
    commit: str
    fresh: bool = True


def fetch(
    handle: str | Handle,
    token: str | None = None,
    files: Collection[str] | Choose | None = None,
) -> Snapshot:
    """Downloads one commit of a repository into the Hub's cache, and checks it.

    The Hub's client compares sizes and not digests, so a damaged file would stay in the cache.
    Here it is removed and downloaded again. If the Hub cannot be reached or is busy, the cached
    commit is checked and used, with a warning. With `HF_HUB_OFFLINE` set, the Hub is not asked,
    which is logged once.

    Args:
        handle: string. `"hf://user/name"` or `"hf://user/name@revision"`.
        token: string. The token. Defaults to the one that the user logged in with, if any.
        files: list of strings, or a function. The files to download if they exist. A function
            chooses them: it gets the names of all files, and another function that downloads one
            of them from the same commit and returns its path. It returns a list, or `None` for
            all. What it raises is raised before anything else is downloaded. Defaults to all.

    Returns:
        A `Snapshot`.

    Raises:
        ValueError: If `handle` is invalid.
        HubError: If the repository does not exist (`NotFoundError`), is neither reachable nor
            cached (`NotCachedError`), may not be read (`AccessError`), or keeps arriving
            damaged (`DamagedError`).
    """
    handle = Handle.parse(handle)
    client = HubClient(token)
    try:
        revision, listed = _look_up(client, handle, patient=False)
    except (NotCachedError, BusyError) as reason:
        cached = _cached(client, handle, files)
        if cached is not None:
            _say_cached(handle, cached.commit, reason)
            return cached
        if not isinstance(reason, BusyError):
            raise NotCachedError(
                f"{reason} `{handle}` is not, or not whole, in the cache on this disk: load it "
                "once with the network on."
            ) from None
        client.wait(reason)
        revision, listed = _look_up(client, handle)

    def get(files: Collection[str] | None) -> Path:
        return _download(client, handle, revision, listed, files)

    if callable(files):
        files = files(listed.keys(), lambda name: get([name]) / name)
    return Snapshot(get(files), revision.resolved)


def _download(
    client: HubClient,
    handle: Handle,
    revision: ResolvedRevision,
    listed: Mapping[str, str],
    files: Collection[str] | None,
) -> Path:
    files = None if files is None else list(files)
    listed = {path: listed[path] for path in listed if files is None or path in files}
    for _ in range(_ATTEMPTS):
        download = client.api.snapshot_download
        options = {"revision": revision, "allow_patterns": files}
        folder = Path(client.call(handle, download, handle.repo_id, **options))
        damaged = [path for path, expected in listed.items() if not _is(folder / path, expected)]
        if not damaged:
            return folder
        for path in damaged:
            _log.warning("%s of `%s` arrived damaged and is fetched again.", path, handle)
            _discard(folder / path)
    raise DamagedError(
        f"`{handle}` keeps arriving damaged: {', '.join(damaged)}. The damaged files were "
        "removed from the cache. Check the network and run this again."
    )


def look_up(handle: Handle, token: str | None = None) -> tuple[str, list[str]]:
    """Returns the commit that `fetch` would download, and the paths of its files."""
    revision, listed = _look_up(HubClient(token), handle)
    return revision.resolved, sorted(listed)


def _look_up(
    client: HubClient, handle: Handle, patient: bool = True
) -> tuple[ResolvedRevision, dict[str, str]]:
    call, api, repo_id = client.call, client.api, handle.repo_id
    # Ask for the model first: `resolve_revision` falls back on the cache if the Hub fails once.
    for ask in (api.model_info, api.resolve_revision):
        revision = call(handle, ask, repo_id, revision=handle.revision, patient=patient)
    listed = call(handle, list_digests, client, repo_id, revision.resolved, patient=patient)
    for path in listed:
        _check_path(path, handle)
    return revision, listed


def list_digests(client: HubClient, repo_id: str, revision: str) -> dict[str, str]:
    """Returns the digest of every file of a revision, as the Hub lists it; see `digest`."""
    entries = list(client.api.list_repo_tree(repo_id, recursive=True, revision=revision))
    files = {e.path: e.lfs.sha256 if e.lfs else e.blob_id for e in entries if type(e) is RepoFile}
    for entry in entries:
        # The Hub lists entries that are neither file nor folder as empty folders.
        if entry.path not in files and not any(f.startswith(f"{entry.path}/") for f in files):
            raise HubError(
                f"`hf://{repo_id}` has an entry that is no regular file: {entry.path!r}. "
                "Remove it there, or use another revision."
            )
    return files


def digest(content: Path | bytes, like: str) -> str:
    """Returns the digest of a file by the algorithm of the digest `like`.

    The Hub lists the SHA-256 of large files and git's SHA-1 of small ones.
    """
    if len(like) == 64 and isinstance(content, Path):
        with content.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    data = content.read_bytes() if isinstance(content, Path) else content
    if len(like) == 64:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _cached(
    client: HubClient, handle: Handle, files: Collection[str] | Choose | None
) -> Snapshot | None:
    # The client returns the folder if it has at least these files.
    folder = _find_cached(client, handle, [] if callable(files) else files)
    if folder is None:
        return None
    # The links in the cache point to files that are named by their digest.
    links = {p: Path(os.readlink(p)).name for p in folder.rglob("*") if p.is_symlink()}
    damaged = [path for path, name in links.items() if _DIGEST(name) and not _is(path, name)]
    if damaged:
        raise DamagedError(
            f"`{handle}` is damaged in the cache: {', '.join(map(str, damaged))}. "
            "Load it again with the network on."
        )
    if callable(files):
        names = {path.relative_to(folder).as_posix() for path in links}
        chosen = files(names, lambda name: folder / name)
        if _find_cached(client, handle, chosen) is None:
            return None
    return Snapshot(folder, folder.name, fresh=False)


def _find_cached(client: HubClient, handle: Handle, files: Collection[str] | None) -> Path | None:
    download = client.api.snapshot_download
    patterns = None if files is None else list(files)
    options = {"revision": handle.revision, "allow_patterns": patterns, "local_files_only": True}
    try:
        return Path(client.call(handle, download, handle.repo_id, **options))
    except NotCachedError:
        return None


def _say_cached(handle: Handle, commit: str, reason: HubError) -> None:
    message = f"`{handle}` is commit {commit} of the cache on this disk"
    if not is_offline_mode():
        warnings.warn(f"{message}, and may be out of date. {reason}", stacklevel=4)
    elif not _said_offline:
        # The user chose to be offline, so once is enough.
        _said_offline.add(True)
        _log.warning("%s %s. Logged once.", reason, message)


def _is(path: Path, expected: str) -> bool:
    return path.is_file() and digest(path, expected) == expected


def _discard(path: Path) -> None:
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _check_path(path: str, handle: Handle) -> None:
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or {"..", "."} & set(path.split("/")) or set(path) & set("\\:"):
        raise HubError(
            f"`{handle}` names a file that would lie outside of its folder: {path!r}. "
            "Do not use this repository unless you know who wrote it."
        )
