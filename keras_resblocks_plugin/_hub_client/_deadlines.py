"""Deadlines for this package's requests to the Hub, and for no others.

The Hub's client waits for most answers without a limit. It has one HTTP session for the whole
process, so its timeouts are left alone: two hooks act on this package's requests only, which they
recognize by the context that makes them or by their user agent.
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
# With `hf_xet` installed, the client warns about every stream that bypasses it; see `open`.
logging.getLogger("huggingface_hub._commit_api").addFilter(
    lambda record: _current.get() is None or "binary IO buffer" not in record.getMessage()
)


def answer_seconds() -> float:
    """Returns the deadline of an answer in seconds: `HF_HUB_ETAG_TIMEOUT`, 10 by default."""
    return constants.HF_HUB_ETAG_TIMEOUT


def transfer_seconds() -> float:
    """Returns the deadline of the next bytes: `HF_HUB_DOWNLOAD_TIMEOUT`, 10 by default."""
    return constants.HF_HUB_DOWNLOAD_TIMEOUT


class Exchange:
    """The requests of one thread, each with a deadline.

    Attributes:
        due: The time of `time.monotonic()` by which the Hub must have answered or received more
            bytes; `None` while no request is open.
    """

    def __init__(self):
        self.due = None
        self._sending_since = 0.0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Sets deadlines for this thread's requests in a `with` block.

        A request without an answer raises `SilentError`, and one without a connection
        `UnreachableError`, neither of which the Hub's client retries.
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
        """Opens a file to upload. Each read renews the deadline.

        The Hub's client sends a stream over HTTP. It would send a path through `hf_xet`, which
        waits more than nine minutes for a silent Hub and does not report its progress.
        """
        with tqdm_stream_file(path) as file:
            yield _WatchedFile(file, self)

    def renew(self) -> None:
        """Extends the deadline after a transfer of bytes."""
        if self.due is not None:
            self.due = time.monotonic() + transfer_seconds()

    def begin(self, timeout: dict[str, float]) -> None:
        """Sets the deadline of a new request."""
        self.due = time.monotonic() + timeout["read"]

    def trace(self, timeout: dict[str, float], event: str, info: dict[str, Any]) -> None:
        """Follows a request: the HTTP library's `trace` extension."""
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
            # The last bytes are in the system's buffers and may take as long again to arrive.
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
    # Downloads run in the client's own threads, but have this package's user agent.
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
    # The client would wait as long as the Hub asks, even for hours.
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
