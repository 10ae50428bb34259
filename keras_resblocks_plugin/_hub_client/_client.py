"""The Hub's client with retries, deadlines, clear errors, and no tokens in any text."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HTTPError, RevisionResolutionError

from keras_resblocks_plugin._hub_client._deadlines import LIBRARY, Exchange
from keras_resblocks_plugin._hub_client._errors import BusyError, HubError, without_tokens
from keras_resblocks_plugin._hub_client._handle import Handle
from keras_resblocks_plugin._hub_client._translate import is_transient, is_unreachable, translate

# The Hub counts requests in windows of this length.
LONGEST_WAIT = 300.0
_PAUSES = (1.0, 2.0, 4.0)
_log = logging.getLogger(__name__)


class HubClient:
    """`huggingface_hub.HfApi` under `api`, and `call()` to call it.

    Args:
        token: The token; `None` is the one that the user logged in with, if any.

    Raises:
        ValueError: If the token is malformed. The message does not contain it.
    """

    def __init__(self, token: str | None = None):
        if token is not None and not (isinstance(token, str) and re.fullmatch("[!-~]+", token)):
            raise ValueError("`token` must be letters, digits and signs without blanks, or None.")
        self.token = token or get_token()
        # `False` keeps the client from reading a token itself.
        self.api = HfApi(token=self.token or False, library_name=LIBRARY)
        self.exchange = Exchange()
        self._patience = LONGEST_WAIT

    def call(
        self, handle: Handle, function: Callable, *args: Any, patient: bool = True, **kwargs: Any
    ) -> Any:
        """Calls `function`, and retries after transient failures.

        Every request has a deadline for its answer, and every transfer one for its next bytes.
        A request that missed its deadline is not retried.

        Args:
            handle: The repository that the error names.
            function: A method of `api`, or a function that calls several of them. It must be
                safe to repeat.
            *args: Positional arguments of the function.
            patient: Whether to wait for a Hub that cannot be reached or is busy.
            **kwargs: Keyword arguments of the function.

        Returns:
            The result of the function.

        Raises:
            HubError: If the function fails.
        """
        pauses = iter(_PAUSES)
        while True:
            try:
                with self.exchange.watched():
                    return function(*args, **kwargs)
            except (HTTPError, OSError, RevisionResolutionError, RuntimeError) as raised:
                # The client wraps the error of an upload that failed after its own retries.
                wrapped = isinstance(raised, RuntimeError)
                error = raised.__cause__ if wrapped else raised
                if not isinstance(error, HTTPError | OSError | RevisionResolutionError):
                    raise
                busy = isinstance(error, BusyError)
                if isinstance(error, HubError) and not busy:
                    raise
                failure = translate(error, handle)
                hopeless = not busy and (wrapped or not is_transient(error))
                if (busy or is_unreachable(error)) and not patient:
                    hopeless = True
            # Raised outside of `except`, since the client's error holds the request and its token.
            failure.args = (without_tokens(str(failure), self.token),)
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

    def wait(self, busy: BusyError) -> None:
        """Waits as long as the Hub asks, and logs it.

        Raises:
            BusyError: If all waits of this client together would exceed 300 seconds.
        """
        if busy.seconds > self._patience:
            raise BusyError(
                f"{busy} That is too long: a call waits {LONGEST_WAIT:.0f} s in all. Run this "
                f"again in {busy.seconds:.0f} s.",
                busy.status,
                busy.seconds,
            )
        seconds = max(busy.seconds, _PAUSES[0])
        self._patience -= seconds
        _log.warning("%s Waiting %.0f s.", busy, seconds)
        time.sleep(seconds)
