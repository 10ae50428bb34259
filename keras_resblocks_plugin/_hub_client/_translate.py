"""The Hub client's errors as this package's: one line each, with the fix and without tokens."""

import errno

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

from keras_resblocks_plugin._hub_client._errors import (
    TOKEN_HELP,
    AccessError,
    BusyError,
    HubError,
    NotCachedError,
    NotFoundError,
    SilentError,
    SilentHubError,
    UnreachableError,
)


def translate(error: Exception, handle: object) -> HubError:
    """Returns the error to raise in place of the client's `error`, raised for `handle`."""
    # The client wraps the cause of a failed download.
    wrapped = isinstance(error, LocalEntryNotFoundError | RevisionResolutionError)
    if wrapped and isinstance(error.__cause__, HTTPError):
        error = error.__cause__
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    # The client's text about an answer is long and names hosts, so take the server's message.
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
                f"see it. Check the name, and the token. {TOKEN_HELP}"
            )
        case RemoteEntryNotFoundError():
            return NotFoundError(f"A file of `{handle}` does not exist. ({said})")
        case HfHubHTTPError() if status == 401:
            return AccessError(f"The Hub does not accept the token. {TOKEN_HELP}")
        case HfHubHTTPError() if status == 403:
            return AccessError(
                f"The token may not change `{handle}`: it needs write access. {TOKEN_HELP} "
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
    """Returns `True` if the same request may succeed a little later."""
    if isinstance(error, LocalEntryNotFoundError | RevisionResolutionError):
        return error.__cause__ is not None and is_transient(error.__cause__)
    if isinstance(error, HfHubHTTPError):
        # 412: another commit came first, so that the next attempt builds on it.
        return error.response.status_code in (408, 412, 429, 500, 502, 503, 504)
    if is_silence(error):
        # Another attempt would take another whole deadline.
        return False
    lost = isinstance(error, HTTPError | UnreachableError | BusyError)
    return lost or "Consistency check failed" in str(error)


def is_unreachable(error: Exception) -> bool:
    """Returns `True` if the Hub did not answer at all."""
    answered = isinstance(error, HfHubHTTPError)
    return isinstance(error, HTTPError | SilentError | UnreachableError) and not answered


def is_silence(error: BaseException | None) -> bool:
    """Returns `True` if a deadline of this package or of the Hub's client passed."""
    while error is not None and not isinstance(error, SilentError | TimeoutError):
        # The HTTP library drops the cause, and only the context is left.
        error = error.__cause__ or error.__context__
    return error is not None
