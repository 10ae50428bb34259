"""Errors in one line, and the exit codes of a command."""

import contextlib
import sys
from collections.abc import Iterator

USAGE, INTERRUPTED = 2, 130


@contextlib.contextmanager
def in_one_line(debug: bool) -> Iterator[None]:
    """Ends the process with 1 and one line at an error that the user can fix.

    Any other error is a bug, and keeps its traceback.

    Args:
        debug: bool. Whether to raise the error instead, for its traceback.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ValueError, OSError, ImportError) as error:
        if debug:
            raise
        sys.exit(line(error))


def line(error: Exception) -> str:
    """The message of an error in one line."""
    return " ".join(["error:", *str(error).split()])
