"""The Hub's client with patience, clear errors, and discretion about tokens."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HTTPError, RevisionResolutionError

from keras_resblocks_plugin._hub_client import _errors
from keras_resblocks_plugin._hub_client._deadlines import LIBRARY, Exchange
from keras_resblocks_plugin._hub_client._handle import Handle

# As long as the windows are in which the Hub counts requests.
LONGEST_WAIT = 300.0
_PAUSES = (1.0, 2.0, 4.0)
_log = logging.getLogger(__name__)


class HubClient:
    """`huggingface_hub.HfApi` under `api`, and `call()` to call it.

    Args:
        token: The token; `None` is the one that the user logged in with, if any.

    Raises:
        ValueError: If the token cannot be one. It is not shown.
    """

    def __init__(self, token: str | None = None):
        if token is not None and not (isinstance(token, str) and re.fullmatch("[!-~]+", token)):
            raise ValueError("`token` must be letters, digits and signs without blanks, or None.")
        self.token = token or get_token()
        # `False`: the client must not look for a token of its own in between.
        self.api = HfApi(token=self.token or False, library_name=LIBRARY)
        self.exchange = Exchange()
        self._patience = LONGEST_WAIT

    def call(
        self, handle: Handle, function: Callable, *args: Any, patient: bool = True, **kwargs: Any
    ) -> Any:
        """Calls `function`, again where that may help, and raises a `HubError` if it fails.

        Every request in it has a deadline for its answer, and every transfer one for its next
        bytes. A Hub that lets one pass is not asked again.

        Args:
            handle: What it is about, for the error.
            function: A method of `api`, or what calls several; it must be repeatable.
            *args: For the function.
            patient: Whether to wait for a Hub that cannot be reached, or that asks to wait.
            **kwargs: For the function.
        """
        pauses = iter(_PAUSES)
        while True:
            try:
                with self.exchange.watched():
                    return function(*args, **kwargs)
            except (HTTPError, OSError, RevisionResolutionError, RuntimeError) as raised:
                # What went wrong with an upload the client wraps so, after trying again itself.
                wrapped = isinstance(raised, RuntimeError)
                error = raised.__cause__ if wrapped else raised
                if not isinstance(error, HTTPError | OSError | RevisionResolutionError):
                    raise
                busy = isinstance(error, _errors.BusyError)
                if isinstance(error, _errors.HubError) and not busy:
                    raise
                failure = _errors.translate(error, handle)
                hopeless = not busy and (wrapped or not _errors.is_transient(error))
                if (busy or _errors.is_unreachable(error)) and not patient:
                    hopeless = True
            # Outside of `except`: the client's error, with its request, must not be chained.
            failure.args = (_errors.without_tokens(str(failure), self.token),)
            if hopeless:
                raise failure
            if busy and failure.seconds:
                self.wait(failure)
                continue
            pause = next(pauses, None)
            if pause is None:
                raise failure
            _log.warning("%s Trying again in %.0f s.", failure, pause)
            time.sleep(pause)

    def wait(self, busy: _errors.BusyError) -> None:
        """Waits as long as the Hub asks, and says so.

        Raises:
            BusyError: If that would be more than 300 seconds, all waits of this client together.
        """
        if busy.seconds > self._patience:
            raise _errors.BusyError(
                f"{busy} That is too long: a call waits {LONGEST_WAIT:.0f} s in all. Run this "
                f"again in {busy.seconds:.0f} s.",
                busy.status,
                busy.seconds,
            )
        seconds = max(busy.seconds, _PAUSES[0])
        self._patience -= seconds
        _log.warning("%s Waiting %.0f s.", busy, seconds)
        time.sleep(seconds)
