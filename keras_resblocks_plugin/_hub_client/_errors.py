"""The errors of pushes and pulls."""

import re


class HubError(OSError):
    """A push or pull did not succeed; nothing that was there before has changed."""


class NotFoundError(HubError):
    """A repository, revision or file does not exist, or is private and hidden."""


class NotCachedError(HubError):
    """The Hub cannot be reached, and the cache lacks what is needed."""


class SilentHubError(NotCachedError):
    """The Hub did not answer, or a transfer stopped, within a deadline."""


class AccessError(HubError):
    """The token is missing, invalid or lacks a permission."""


class DamagedError(HubError):
    """A file differs from its digest."""


class BusyError(HubError):
    """The Hub is busy and asks to try again later.

    Args:
        message: string. The message for the user.
        status: int. The HTTP status of the answer.
        seconds: float. The time that the Hub asks to wait; 0 if it does not say.
    """

    def __init__(self, message: str = "", status: int = 429, seconds: float = 0.0):
        super().__init__(message)
        self.status, self.seconds = status, seconds


class SilentError(OSError):
    """A request missed its deadline. Internal: `translate` turns it into a `HubError`."""


class UnreachableError(OSError):
    """No connection was made. Internal: `translate` turns it into a `HubError`."""


TOKEN_HELP = (
    "Make one at https://huggingface.co/settings/tokens and log in with `hf auth login`, "
    "set HF_TOKEN, or pass `token`."
)


def missing_token() -> AccessError:
    """Returns the error for a push without a token."""
    return AccessError(f"A push needs a token with write access, and none was found. {TOKEN_HELP}")


def without_tokens(text: str, token: str | None = None) -> str:
    """Returns `text` with `token`, and everything that looks like a token, masked."""
    if token:
        text = text.replace(token, "hf_***")
    return re.sub(r"hf_[A-Za-z0-9]{8,}", "hf_***", text)
