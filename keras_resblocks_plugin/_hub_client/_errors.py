"""The Hub's errors, in one line each, with the fix and without tokens."""

import errno
import re

from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    RevisionResolutionError,
)


class HubError(OSError):
    """A push or pull did not succeed; nothing that was there before has changed."""


class NotFoundError(HubError):
    """A repository, revision or file does not exist, or is private and hidden."""


class NotCachedError(HubError):
    """The Hub cannot be asked, and what is on this disk is not enough."""


class SilentHubError(NotCachedError):
    """The Hub did not answer, or took or sent no more bytes, within a deadline."""


class AccessError(HubError):
    """The token is missing or wrong, or it may not do this."""


class DamagedError(HubError):
    """Bytes arrived changed."""


class BusyError(HubError):
    """The Hub asks to be asked later.

    Args:
        message: What to tell the user.
        status: Its answer.
        seconds: How long it asks to wait; 0 where it does not say.
    """

    def __init__(self, message: str = "", status: int = 429, seconds: float = 0.0):
        super().__init__(message)
        self.status, self.seconds = status, seconds


class SilentError(OSError):
    """A request missed its deadline; `translate` words it."""


class UnreachableError(OSError):
    """There is no connection; `translate` words it."""


_TOKEN_HELP = (
    "Make one at https://huggingface.co/settings/tokens and log in with `hf auth login`, "
    "set HF_TOKEN, or pass `token`."
)


def missing_token() -> AccessError:
    """The error for a push without a token."""
    return AccessError(f"A push needs a token with write access, and none was found. {_TOKEN_HELP}")


def translate(error: Exception, handle: object) -> HubError:
    """The error to raise in place of one that the client raised about `handle`."""
    # The client wraps what happened on the way to a file that it does not have.
    wrapped = isinstance(error, LocalEntryNotFoundError | RevisionResolutionError)
    if wrapped and isinstance(error.__cause__, HTTPError):
        error = error.__cause__
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    # Of an answer the client's own text is long and names hosts; of anything else it is all.
    said = " ".join(str(error if status is None else error.server_message or "no reason").split())
    match error:
        case OfflineModeIsEnabled():
            return NotCachedError(
                f"The Hub is not asked for `{handle}` because HF_HUB_OFFLINE is set."
            )
        case LocalEntryNotFoundError() | RevisionResolutionError():
            return NotCachedError(f"`{handle}` is not whole in the cache on this disk.")
        case BusyError():
            asked = f" and asks to wait {error.seconds:.0f} s" if error.seconds else ""
            message = f"The Hub answers {error.status} for `{handle}`{asked}."
            return BusyError(message, error.status, error.seconds)
        case GatedRepoError():
            return AccessError(f"`{handle}` is gated: ask for access on its page. ({said})")
        case RevisionNotFoundError():
            return NotFoundError(f"The revision in `{handle}` does not exist. ({said})")
        case RepositoryNotFoundError():
            return NotFoundError(
                f"`{handle}` does not exist, or it is private and the token, if any, may not "
                f"see it. Check the name, and the token. {_TOKEN_HELP}"
            )
        case RemoteEntryNotFoundError():
            return NotFoundError(f"A file of `{handle}` does not exist. ({said})")
        case HfHubHTTPError() if status == 401:
            return AccessError(f"The Hub does not accept the token. {_TOKEN_HELP}")
        case HfHubHTTPError() if status == 403:
            return AccessError(
                f"The token may not change `{handle}`: it needs write access. {_TOKEN_HELP} "
                f"(The Hub said: {said})"
            )
        case HfHubHTTPError() if is_transient(error) or status >= 500:
            return HubError(f"The Hub answers {status} for `{handle}`. Try again later. ({said})")
        case HfHubHTTPError():
            return HubError(f"The Hub refused what was asked of `{handle}`: {status} {said}")
        case HTTPError() | SilentError() | UnreachableError():
            cls = SilentHubError if is_silence(error) else NotCachedError
            return cls(
                f"The Hub at {constants.ENDPOINT} cannot be reached for `{handle}` ({said}). Check "
                "the network."
            )
        case OSError() if error.errno == errno.ENOSPC:
            return HubError(
                f"The disk is full. Make room beside {constants.HF_HUB_CACHE}, or let HF_HOME "
                "name a folder on another disk, and run this again."
            )
    return HubError(f"`{handle}`: {type(error).__name__}: {said}")


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, LocalEntryNotFoundError | RevisionResolutionError):
        return error.__cause__ is not None and is_transient(error.__cause__)
    if isinstance(error, HfHubHTTPError):
        # 412: another commit came first, so that the next attempt builds on it.
        return error.response.status_code in (408, 412, 429, 500, 502, 503, 504)
    if is_silence(error):
        # It took a whole deadline, and the next attempt would take another.
        return False
    lost = isinstance(error, HTTPError | UnreachableError | BusyError)
    return lost or "Consistency check failed" in str(error)


def is_unreachable(error: Exception) -> bool:
    """Whether there was no answer at all."""
    answered = isinstance(error, HfHubHTTPError)
    return isinstance(error, HTTPError | SilentError | UnreachableError) and not answered


def is_silence(error: BaseException | None) -> bool:
    """Whether a deadline passed, as this package or the Hub's client tells it."""
    while error is not None and not isinstance(error, SilentError | TimeoutError):
        # The HTTP library takes the cause away on the way.
        error = error.__cause__ or error.__context__
    return error is not None


def without_tokens(text: str, token: str | None = None) -> str:
    """`text` with `token`, and whatever else looks like one, made unreadable."""
    if token:
        text = text.replace(token, "hf_***")
    return re.sub(r"hf_[A-Za-z0-9]{8,}", "hf_***", text)
