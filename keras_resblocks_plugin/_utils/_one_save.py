"""Reading what another process may save over: all of one save, or all of the next."""

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

# With locks one is enough. Without, a save every second leaves time for a load now and then.
_TRIES = 20
# A save does not wait for ever for a reader that hangs: readers notice when they were not waited
# for, and read again.
_SAVE_WAITS_SECONDS = 60
# A save holds its lock while it renames a folder, and no longer.
_READER_WAITS_SECONDS = 5
_POLL_SECONDS = 0.005


def one_save(path: str | Path, read: Callable[[], Result]) -> Result:
    """Returns what `read` gives, once no save has replaced `path` while it read.

    A save puts a new folder or file in the place of the old, which never comes back. It waits
    for readers where the file system has locks; where a save came between all the same,
    `read` is called again.

    Args:
        path: A folder that `replacing` replaces, or a file that `replacing_file` replaces.
        read: Reads what is there, by path. It must not depend on an earlier call of itself.

    Raises:
        ValueError: If saves came between all the time. Errors of `read` are raised
            if no save came between.
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
                # Without the frames, which hold what was read.
                error = problem.with_traceback(None)
                continue
            if is_current():
                return result
            # Not kept beside what the next call gives.
            del result
    raise ValueError(
        f"`{path}` could not be read: a save replaced it during each of {_TRIES} attempts. "
        "Load it again when no other process saves to it as often."
    ) from error


@contextlib.contextmanager
def readers_waited_for(path: Path) -> Iterator[None]:
    """Keeps out those who read `path` through `one_save`, after the present ones are done."""
    with _opened(path, "LOCK_EX", _SAVE_WAITS_SECONDS):
        yield


@contextlib.contextmanager
def _opened(path: Path, lock: str, seconds: float) -> Iterator[Callable[[], bool]]:
    """Locks what is at `path`, if possible; gives a function that tells if it is still there."""
    deadline = time.monotonic() + seconds
    descriptor = _open(path)
    try:
        while (
            descriptor is not None
            and _lock(descriptor, lock, deadline)
            and _identity(descriptor) != _identity(path)
        ):
            # A save was finished between opening and locking.
            _close(descriptor)
            descriptor = _open(path)
        # While it is open, nothing else gets its number. Else its time tells them apart.
        exact = descriptor is not None
        before = _identity(descriptor) if exact else _identity(path, with_time=True)
        yield lambda: before == _identity(path, with_time=not exact)
    finally:
        if descriptor is not None:
            _close(descriptor)


def _open(path: Path) -> int | None:
    # On Windows, what is open cannot be replaced.
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
    # Closing alone would leave the lock to a process that was forked meanwhile.
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)
