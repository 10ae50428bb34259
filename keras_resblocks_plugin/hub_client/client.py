"""The Hub's client with patience, clear errors, and discretion about tokens."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HTTPError, RevisionResolutionError

from keras_resblocks_plugin.hub_client import errors
from keras_resblocks_plugin.hub_client.handle import Handle

_WAITS = (1.0, 2.0, 4.0)
_LONGEST_WAIT = 60.0
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
        self.api = HfApi(token=self.token or False, library_name="keras-resblocks-plugin")

    def call(
        self, handle: Handle, function: Callable, *args: Any, patient: bool = True, **kwargs: Any
    ) -> Any:
        """Calls `function`, again where that may help, and raises a `HubError` if it fails.

        Args:
            handle: What it is about, for the error.
            function: A method of `api`, or what calls several; it must be repeatable.
            *args: For the function.
            patient: Whether to wait for a Hub that does not answer at all.
            **kwargs: For the function.
        """
        for wait in (*_WAITS, None):
            failure = None
            try:
                return function(*args, **kwargs)
            except errors.HubError:
                raise
            except (HTTPError, OSError, RevisionResolutionError) as error:
                failure = errors.translate(error, handle)
                hopeless = not errors.is_transient(error)
                if errors.is_unreachable(error) and not patient:
                    hopeless = True
                if wait is not None and isinstance(error, HfHubHTTPError):
                    wait = max(wait, _asked_wait(error))
            except RuntimeError as error:
                # What went wrong with an upload the client wraps so, after trying again itself.
                if not isinstance(error.__cause__, HTTPError | OSError):
                    raise
                failure = errors.translate(error.__cause__, handle)
                hopeless = True
            # Outside of `except`: the client's error, with its request, must not be chained.
            failure = type(failure)(errors.without_tokens(str(failure), self.token))
            if hopeless or wait is None:
                raise failure
            _log.warning("%s Trying again in %.0f s.", failure, wait)
            time.sleep(wait)
        raise AssertionError


def _asked_wait(error: HfHubHTTPError) -> float:
    asked = error.response.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isdigit() else 0.0
