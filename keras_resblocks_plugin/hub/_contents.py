"""The files that a push sends: the files of a preset that differ from the repository."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from keras_resblocks_plugin._hub_client import Handle, digest
from keras_resblocks_plugin.lora._adapter_metadata import ADAPTER_FILE
from keras_resblocks_plugin.saving._preset_files import (
    KERASHUB_WEIGHTS_FILE,
    PRESET_FILES,
    is_code_or_weights,
)
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.saving._training_record import RECORD_FILE

CARD_FILE = "README.md"
_RECORDS = {RECORD_FILE, "curve.png"}
_PRESET_FILES = PRESET_FILES | {KERASHUB_WEIGHTS_FILE} | _RECORDS
# Larger files are unlikely to contain a token by mistake.
_TEXT_BYTES = 1_000_000


def read_contents(folder: Path, token: str | None) -> dict[str, Path | bytes]:
    """The files of a preset by their path in the repository, without the card.

    Hidden files stay here.

    Raises:
        ValueError: If a file has the token in it, or is a link to a file elsewhere.
    """
    contents = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            continue
        if path.is_symlink() and not _is_inside(path.resolve(), folder.resolve()):
            raise ValueError(
                f"`{path}` is a link to `{path.resolve()}`, outside of the preset, which may be "
                "private. Nothing was sent. Put a copy in its place if it is to be public."
            )
        if path.is_file():
            contents[name.as_posix()] = path
            small = path.stat().st_size <= _TEXT_BYTES
            if small and token and token.encode() in path.read_bytes():
                raise ValueError(
                    f"`{path}` has your Hugging Face token in it. Nothing was sent. Remove it "
                    "from the file, and revoke it if the file was ever shared."
                )
    contents.pop(CARD_FILE, None)
    return contents


def copy_contents(preset: PresetFolder, copy: Path, token: str | None) -> PresetFolder:
    """Copies the files of a push, since the folder may be saved over while they are sent.

    Returns:
        The copy, with everything that was read of the preset.

    Raises:
        ValueError: If a file must not be sent, see `read_contents`.
    """
    folder = preset.path
    names = list(read_contents(folder, token))
    if (folder / CARD_FILE).is_file():
        names.append(CARD_FILE)
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, copy / name)
    return preset.at(copy)


def changes(
    contents: Mapping[str, Path | bytes], there: Mapping[str, str], handle: Handle
) -> list[CommitOperationAdd | CommitOperationDelete]:
    """The operations that turn a repository with the files `there` into one with `contents`.

    Files of an earlier preset that this one lacks are deleted; files that people added stay.

    Args:
        contents: The files by path.
        there: The digests of the repository's files by path.
        handle: The repository, for the error.

    Raises:
        ValueError: If there are other weights or code that a pull would refuse.
    """
    gone = sorted(path for path in there if path not in contents)
    # Preset files are not left over from an earlier adapter.
    own = _RECORDS if ADAPTER_FILE in contents else _PRESET_FILES
    stale = [path for path in gone if path in own or path.startswith("samples/")]
    foreign = [path for path in gone if is_code_or_weights(path) and path not in stale]
    if foreign:
        raise ValueError(
            f"`{handle}` contains weights or code that do not belong to a preset: "
            f"{', '.join(foreign)}. Nothing was sent. Remove them there, or push to another "
            "repository."
        )
    return [
        CommitOperationAdd(path, str(content) if isinstance(content, Path) else content)
        for path, content in contents.items()
        if path not in there or digest(content, there[path]) != there[path]
    ] + [CommitOperationDelete(path) for path in stale]


def _is_inside(file: Path, folder: Path) -> bool:
    # The Hub's cache keeps what all commits of a repository hold in one folder beside them.
    blobs = folder.parent.parent / "blobs"
    return folder in file.parents or (folder.parent.name == "snapshots" and blobs in file.parents)
