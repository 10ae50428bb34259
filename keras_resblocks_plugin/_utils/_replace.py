"""Atomic replacement of a folder or file: a kill leaves the old one or the new one."""

import contextlib
import ctypes
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from keras_resblocks_plugin._utils._one_save import one_save, readers_waited_for

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_being_filled = set()


@contextlib.contextmanager
def replacing(folder: str | Path) -> Iterator[Path]:
    """Yields a copy of `folder` to change, and puts it in the folder's place at the end.

    At any time, also after a kill, `folder` is either the old one or the new one. To read several
    of its files as of one state, use `one_save`. If the body raises, nothing changes. The next
    save removes what a killed process left beside the folder.

    Args:
        folder: The folder to replace; it need not exist yet.
    """
    # Where the folder is a link, what it points to is replaced.
    folder = Path(folder).resolve()
    if folder in _being_filled:
        # Part of a save that is under way: both appear atomically.
        yield folder
        return
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"`{folder}` must be a folder, or nothing yet. Received: a file")
    folder.parent.mkdir(parents=True, exist_ok=True)
    earlier = rf"{re.escape(folder.name)}\.[0-9a-f]{{8}}\.(saving|old)"
    with _left_overs_removed(folder, earlier):
        # Beside the folder: only within one file system can it take its place.
        staged = _beside(folder, "saving")
        _being_filled.add(staged)
        try:
            one_save(folder, lambda: _copy(folder, staged))
            yield staged
            _flush_all(staged)
            _swap(staged, folder)
        finally:
            _being_filled.discard(staged)
            # Now this is the old folder, or what a failed body wrote.
            shutil.rmtree(staged, ignore_errors=True)


@contextlib.contextmanager
def replacing_file(file: str | Path) -> Iterator[Path]:
    """Yields the name of a file to write, and puts that file in the place of `file` at the end.

    It does for one file what `replacing` does for a folder.

    Args:
        file: The file to replace; neither it nor its folder need exist yet.
    """
    file = Path(file).absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    with _left_overs_removed(file, earlier=rf"{re.escape(file.name)}\.saving"):
        staged = _beside(file, "saving")
        try:
            yield staged
            _flush(staged)
            with readers_waited_for(file):
                staged.replace(file)
            _flush(file.parent)
        finally:
            staged.unlink(missing_ok=True)


def _copy(folder: Path, staged: Path) -> None:
    shutil.rmtree(staged, ignore_errors=True)
    # Copies, not links: writing to a link would change the old folder.
    if folder.exists():
        shutil.copytree(folder, staged, symlinks=True)
    else:
        staged.mkdir()


def _beside(target: Path, purpose: str) -> Path:
    # Not the name itself, which may be as long as a name can be.
    return target.with_name(f".{_short(target)}.{secrets.token_hex(4)}.{purpose}")


def _short(target: Path) -> str:
    return hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]


@contextlib.contextmanager
def _left_overs_removed(target: Path, earlier: str) -> Iterator[None]:
    """Removes what killed saves left beside `target`, also under earlier versions' names."""
    # Every save holds a shared lock on the parent, which a kill releases. A process that gets an
    # exclusive lock knows that all staged folders and files are left over.
    descriptor = os.open(target.parent, os.O_RDONLY) if fcntl else None
    try:
        # Some network file systems have no locks: there the leftovers stay.
        with contextlib.suppress(OSError):
            if fcntl:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_left_overs(target, earlier)
        with contextlib.suppress(OSError):
            if fcntl:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        if fcntl:
            os.close(descriptor)


def _remove_left_overs(target: Path, earlier: str) -> None:
    pattern = rf"\.({_short(target)}\.[0-9a-f]{{8}}\.(saving|old)|{earlier})"
    for path in sorted(target.parent.iterdir()):
        if not re.fullmatch(pattern, path.name):
            continue
        if path.suffix == ".old" and not target.exists():
            path.rename(target)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _swap(staged: Path, folder: Path) -> None:
    inside = _working_folder_in(folder)
    old = None
    with readers_waited_for(folder):
        if not folder.exists():
            staged.rename(folder)
        elif not _exchange(staged, folder):
            # No exchange here (Windows, some network file systems): the shortest gap there is.
            old = _beside(folder, "old")
            folder.rename(old)
            staged.rename(folder)
    if old is not None:
        shutil.rmtree(old)
    _flush(folder.parent)
    if inside is not None:
        # The working folder of the process is the old folder, which is about to be removed.
        os.chdir(folder / inside)


def _working_folder_in(folder: Path) -> Path | None:
    try:
        return Path.cwd().relative_to(folder)
    except (ValueError, OSError):
        return None


def _exchange(left: Path, right: Path) -> bool:
    """Swaps two folders in one system call. Returns `False` where there is no such call."""
    paths = os.fsencode(left), os.fsencode(right)
    libc = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform == "darwin":
        rename_swap = 2
        return libc.renamex_np(*paths, rename_swap) == 0
    if hasattr(libc, "renameat2"):
        at_cwd, rename_exchange = -100, 2
        return libc.renameat2(at_cwd, paths[0], at_cwd, paths[1], rename_exchange) == 0
    return False


def _flush_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_file() or path.is_dir():
            _flush(path)


def _flush(path: Path) -> None:
    # A rename may reach the disk before the bytes it names.
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
