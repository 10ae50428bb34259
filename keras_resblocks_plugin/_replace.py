"""Replacing a folder at one instant, so that a killed process leaves the old or the new."""

import contextlib
import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_being_filled = set()


@contextlib.contextmanager
def replacing(folder: str | Path) -> Iterator[Path]:
    """Gives a copy of `folder` to change, and puts it in the folder's place at the end.

    Whoever opens `folder`, at any time and after a kill at any time, sees it as it was or
    as it is to be. If the body raises, nothing has changed. What a killed process left beside
    the folder, the next one removes.

    Args:
        folder: The folder to replace; it need not exist yet.
    """
    # Where the folder is a link, what it points to is replaced.
    folder = Path(folder).resolve()
    if folder in _being_filled:
        # A part of a save that is already going on: both are to appear at one instant.
        yield folder
        return
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"`{folder}` must be a folder, or nothing yet. Received: a file")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _left_overs_removed(folder):
        # Beside the folder: only within one file system can it take its place.
        staged = _beside(folder, "saving")
        _being_filled.add(staged)
        try:
            # Copies, not links: what is written into a link would change the old folder.
            if folder.exists():
                shutil.copytree(folder, staged, symlinks=True)
            else:
                staged.mkdir()
            yield staged
            _flush_all(staged)
            _swap(staged, folder)
        finally:
            _being_filled.discard(staged)
            # What is left here is the old folder, or what a failed body wrote.
            shutil.rmtree(staged, ignore_errors=True)


def _beside(folder: Path, purpose: str) -> Path:
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.{purpose}")


@contextlib.contextmanager
def _left_overs_removed(folder: Path) -> Iterator[None]:
    # Every save holds a shared lock on the parent, and a kill gives it back: who gets the lock
    # alone knows that all staged folders there are left over.
    descriptor = os.open(folder.parent, os.O_RDONLY) if fcntl else None
    try:
        # Some network file systems lock nothing: what is left over stays there.
        with contextlib.suppress(OSError):
            if fcntl:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_left_overs(folder)
        with contextlib.suppress(OSError):
            if fcntl:
                fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        if fcntl:
            os.close(descriptor)


def _remove_left_overs(folder: Path) -> None:
    pattern = rf"\.{re.escape(folder.name)}\.[0-9a-f]{{8}}\.(saving|old)"
    for path in sorted(folder.parent.iterdir()):
        if re.fullmatch(pattern, path.name):
            if path.suffix == ".old" and not folder.exists():
                path.rename(folder)
            else:
                shutil.rmtree(path, ignore_errors=True)


def _swap(staged: Path, folder: Path) -> None:
    inside = _working_folder_in(folder)
    if not folder.exists():
        staged.rename(folder)
    elif not _exchange(staged, folder):
        # No exchange here (Windows, some network file systems): the shortest gap there is.
        old = _beside(folder, "old")
        folder.rename(old)
        staged.rename(folder)
        shutil.rmtree(old)
    _flush(folder.parent)
    if inside is not None:
        # The process stands in the old folder, which is about to go.
        os.chdir(folder / inside)


def _working_folder_in(folder: Path) -> Path | None:
    try:
        return Path.cwd().relative_to(folder)
    except (ValueError, OSError):
        return None


def _exchange(left: Path, right: Path) -> bool:
    """Swaps two folders in one system call; `False` where there is no such call."""
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
