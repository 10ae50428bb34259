"""Consistent reading of a folder or file that another process may save over."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

Result = TypeVar("Result")

# With locks one try is enough. Without them, some of 20 fall between saves every second.
_TRIES = 20
# A save does not wait forever for a reader that hangs. Readers notice that a save did not wait,
# and read again.
_SAVE_WAITS_SECONDS = 60
# A save holds its lock only while it renames a folder.
_READER_WAITS_SECONDS = 5
_POLL_SECONDS = 0.005


def one_save(path: str | Path, read: Callable[[], Result]) -> Result:
    """Returns the result of `read`, which saw one save of `path` and no mixture of two.

    A save puts a new folder or file in the place of the old. Where the file system has locks, it
    waits for readers. If a save replaces `path` during the reading nevertheless, `read` is called
    again.

    Args:
        path: A folder that `replacing` replaces, or a file that `replacing_file` replaces.
        read: Reads the files, by path. It must not depend on an earlier call of itself.

    Raises:
        ValueError: If a save replaced `path` during each attempt. Errors of `read` are raised if
            no save replaced it.
    """
    # Absolute, since a save gives its own process a new working folder.
    path = Path(path).absolute()
    error = None
    for _ in range(_TRIES):
        with _opened(path, "LOCK_SH", _READER_WAITS_SECONDS) as is_current:
            try:
                result = read()
            except Exception as problem:
                if is_current():
                    raise
                # Without the frames, which keep what was read in memory.
                error = problem.with_traceback(None)
                continue
            if is_current():
                return result
            # Free it before the next call.
            del result
    raise ValueError(
        f"`{path}` could not be read: a save replaced it during each of {_TRIES} attempts. "
        "Load it again when no other process saves to it as often."
    ) from error


@contextlib.contextmanager
def readers_waited_for(path: Path) -> Iterator[None]:
    """Waits for those who read `path` through `one_save`, and keeps others from starting."""
    with _opened(path, "LOCK_EX", _SAVE_WAITS_SECONDS):
        yield


@contextlib.contextmanager
def _opened(path: Path, lock: str, seconds: float) -> Iterator[Callable[[], bool]]:
    """Locks `path`, if possible. Yields a function that tells whether it was not replaced."""
    deadline = time.monotonic() + seconds
    descriptor = _open(path)
    try:
        while (
            descriptor is not None
            and _lock(descriptor, lock, deadline)
            and _identity(descriptor) != _identity(path)
        ):
            # A save finished between opening and locking.
            _close(descriptor)
            descriptor = _open(path)
        # While it is open, no other file gets its number. Otherwise its time tells them apart.
        exact = descriptor is not None
        before = _identity(descriptor) if exact else _identity(path, with_time=True)
        yield lambda: before == _identity(path, with_time=not exact)
    finally:
        if descriptor is not None:
            _close(descriptor)


def _open(path: Path) -> int | None:
    # On Windows, an open file cannot be replaced.
    with contextlib.suppress(OSError):
        return os.open(path, os.O_RDONLY) if fcntl else None
    return None


def _identity(file: Path | int, with_time: bool = False) -> tuple[int, ...] | None:
    try:
        status = os.stat(file)
    except OSError:
        return None
    return (status.st_dev, status.st_ino, *([status.st_mtime_ns] if with_time else []))


def _lock(descriptor: int, lock: str, deadline: float) -> bool:
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, getattr(fcntl, lock) | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
        except OSError:
            # Some network file systems have no locks.
            return False
    return False


def _close(descriptor: int) -> None:
    # Closing alone would leave the lock with a process that was forked meanwhile.
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
