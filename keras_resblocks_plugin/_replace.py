"""Replacing a folder at one instant, so that a killed process leaves the old or the new."""

import contextlib
import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(folder: str | Path) -> Iterator[Path]:
    """Gives a copy of `folder` to change, and puts it in the folder's place at the end.

    Whoever opens `folder`, at any time and after a kill at any time, sees it as it was or
    as it is to be. If the body raises, nothing has changed.

    Args:
        folder: The folder to replace; it need not exist yet.
    """
    # Where the folder is a link, what it points to is replaced.
    folder = Path(folder).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"`{folder}` must be a folder, or nothing yet. Received: a file")
    # Beside the folder: only within one file system can it take its place.
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".saving", dir=folder.parent))
    try:
        # Copies, not links: what is written into a link would change the old folder.
        if folder.exists():
            shutil.copytree(folder, staged, symlinks=True, dirs_exist_ok=True)
        else:
            staged.chmod(0o777 & ~_umask())
        yield staged
        for path in staged.rglob("*"):
            if path.is_file():
                _flush(path)
        _swap(staged, folder)
    finally:
        # What is left here is the old folder, or what a failed body wrote.
        shutil.rmtree(staged, ignore_errors=True)


def _swap(staged: Path, folder: Path) -> None:
    if not folder.exists():
        staged.rename(folder)
    elif not _exchange(staged, folder):
        # No exchange here (Windows, some network file systems): the shortest gap there is.
        old = staged.with_suffix(".old")
        folder.rename(old)
        staged.rename(folder)
        shutil.rmtree(old)
    _flush(folder.parent)


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


def _flush(path: Path) -> None:
    # A rename may reach the disk before the bytes it names.
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
