"""Deadlines for this package's requests to the Hub, and for no one else's.

The Hub's client waits for most answers without end, and as long as it is told to. It has one HTTP
session for the whole process, so nothing is set there: two hooks in it act on the requests of
this package alone. They are told by where they are made, or by the name that they carry.
"""

import contextlib
import functools
import io
import logging
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO

from huggingface_hub import constants, get_session
from huggingface_hub.utils import parse_ratelimit_headers, tqdm_stream_file

from keras_resblocks_plugin._hub_client._errors import BusyError, SilentError, UnreachableError

LIBRARY = "keras-resblocks-plugin"
_current: ContextVar["Exchange | None"] = ContextVar("exchange", default=None)
# Where `hf_xet` is installed, the client says at every stream that it does without; see `open`.
logging.getLogger("huggingface_hub._commit_api").addFilter(
    lambda record: _current.get() is None or "binary IO buffer" not in record.getMessage()
)


def answer_seconds() -> float:
    """Seconds that the Hub has for an answer: `HF_HUB_ETAG_TIMEOUT`, 10 by default."""
    return constants.HF_HUB_ETAG_TIMEOUT


def transfer_seconds() -> float:
    """Seconds for the next bytes of a transfer: `HF_HUB_DOWNLOAD_TIMEOUT`, 10 by default."""
    return constants.HF_HUB_DOWNLOAD_TIMEOUT


class Exchange:
    """The requests that one thread makes, each with a deadline.

    Attributes:
        due: The instant, by `time.monotonic()`, when the Hub must have answered or have taken
            more bytes; `None` while nothing is asked of it.
    """

    def __init__(self):
        self.due = None
        self._sending_since = 0.0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Puts what this thread asks of the Hub meanwhile under deadlines.

        A request that fails for want of an answer raises a `SilentError`, for want of a
        connection an `UnreachableError`, so that the Hub's client does not try it again itself.
        """
        _hook(get_session())
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
            self.due = None

    @contextlib.contextmanager
    def open(self, path: str | Path) -> Iterator[BinaryIO]:
        """A file to upload; each read of it renews the deadline.

        The Hub's client sends a stream over HTTP. A path it would send through `hf_xet`, which
        waits for a silent Hub for more than nine minutes and does not tell how far it is.
        """
        with tqdm_stream_file(path) as file:
            yield _WatchedFile(file, self)

    def renew(self) -> None:
        """Moves the deadline, since bytes have moved."""
        if self.due is not None:
            self.due = time.monotonic() + transfer_seconds()

    def begin(self, timeout: dict[str, float]) -> None:
        """Sets the deadline of a request that starts."""
        self.due = time.monotonic() + timeout["read"]

    def trace(self, timeout: dict[str, float], event: str, info: dict[str, Any]) -> None:
        """Follows the events of a request: an extension of the HTTP library."""
        *_, what, stage = event.split(".")
        if stage == "failed":
            error = info["exception"]
            if isinstance(error.__cause__, TimeoutError):
                raise SilentError(f"no answer within {round(timeout['read'], 1):g} s") from None
            if what in ("connect_tcp", "start_tls"):
                raise UnreachableError(str(error)) from None
        elif (what, stage) == ("send_request_body", "started"):
            self._sending_since = time.monotonic()
        elif (what, stage) == ("send_request_body", "complete"):
            # The system has taken the last bytes and may need as long again to send them.
            timeout["read"] += time.monotonic() - self._sending_since
            self.begin(timeout)
        elif (what, stage) == ("response_closed", "complete"):
            self.due = None


class _WatchedFile(io.BufferedIOBase):
    def __init__(self, file: BinaryIO, exchange: Exchange):
        self._file, self._exchange = file, exchange

    def read(self, size: int | None = -1) -> bytes:
        self._exchange.renew()
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _hook(session: Any) -> None:
    hooks = session.event_hooks
    if _before not in hooks["request"]:
        session.event_hooks = {
            "request": [*hooks["request"], _before],
            "response": [*hooks["response"], _after],
        }


def _is_own(request: Any) -> bool:
    # Downloads run in threads of the client's own, and carry this package's name.
    return _current.get() is not None or LIBRARY in request.headers.get("User-Agent", "")


def _before(request: Any) -> None:
    if not _is_own(request):
        return
    seconds = transfer_seconds() if request.method == "PUT" else answer_seconds()
    given = request.extensions.get("timeout") or {}
    kinds = ("connect", "read", "write", "pool")
    timeout = {kind: given.get(kind) or seconds for kind in kinds}
    request.extensions["timeout"] = timeout
    exchange = _current.get()
    if exchange is not None:
        exchange.begin(timeout)
        request.extensions["trace"] = functools.partial(exchange.trace, timeout)


def _after(response: Any) -> None:
    # The client would wait as long as the Hub says, be it for hours.
    if response.status_code == 429 or response.status_code >= 500:
        seconds = _asked_seconds(response.headers)
        said = seconds or response.status_code == 429
        if said and _is_own(response.request):
            raise BusyError(status=response.status_code, seconds=seconds)


def _asked_seconds(headers: Any) -> int:
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds
    asked = headers.get("Retry-After", "").strip()
    return int(asked) if asked.isdigit() else 0
