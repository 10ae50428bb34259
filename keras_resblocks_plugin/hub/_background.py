"""Pushes during training: one at a time, and of those that wait only the latest."""

import logging
import tempfile
import threading
import time
from pathlib import Path

from keras_resblocks_plugin._hub_client import Handle, HubClient, SilentHubError
from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin.hub._checks import check_shareable
from keras_resblocks_plugin.hub._contents import copy_contents
from keras_resblocks_plugin.hub._upload import Upload
from keras_resblocks_plugin.saving._preset_folder import PresetFolder

# A request that is past its deadline gets this long to end by itself.
_GRACE = 1.0
# The folder of the copy in its temporary folder.
_COPY = "preset"
_log = logging.getLogger(__name__)


class BackgroundPush:
    """Sends copies of preset folders to one repository, from a thread.

    The thread does not keep the process from ending.

    Args:
        token: A token with write access.
        target: The repository and branch.
        private: bool. Makes a new repository private.

    Attributes:
        url: The page of the last commit that arrived, or `None`.
        last_error: The reason why the last push failed, or `None`.
    """

    def __init__(self, token: str, target: Handle, private: bool | None):
        self.token, self.target, self.private = token, target, private
        self.url = None
        self.last_error = None
        self._silent = False
        self._waiting = None
        self._thread = None
        self._exchange = None

    def offer(self, folder: Path) -> None:
        """Takes a copy of a preset to push; a copy that still waits is dropped."""
        self._drop()
        copy = None
        try:
            # A copy, since the folder may be saved over while it is on its way. Its folder is
            # removed at the latest when the process ends.
            copy = tempfile.TemporaryDirectory(prefix="keras_resblocks_plugin_")
            target = Path(copy.name) / _COPY
            one_save(folder, lambda: copy_contents(PresetFolder(folder), target, self.token))
            self._waiting = copy
        except (OSError, ValueError) as error:
            if copy is not None:
                copy.cleanup()
            self._fail(f"The preset could not be copied for the push: {error}")

    def start(self) -> None:
        """Starts the push that waits, unless another one is under way."""
        if self._waiting is not None and not (self._thread and self._thread.is_alive()):
            client = HubClient(self.token)
            self._exchange = client.exchange
            self._silent = False
            arguments = (client, self._waiting)
            self._thread = threading.Thread(target=self._push, args=arguments, daemon=True)
            self._waiting = None
            self._thread.start()

    def finish(self, folder: Path) -> None:
        """Waits until all has arrived; tries once more to push `folder` if it has not.

        It waits as long as bytes move, and as long as a busy Hub asks, but not for a Hub that
        is silent; `last_error` then says what failed.
        """
        was_running = self._thread is not None and self._thread.is_alive()
        self._wait()
        if not (was_running and self._silent):
            if self.last_error and self._waiting is None:
                self.offer(folder)
            self.start()
            self._wait()
        self._drop()

    def _wait(self) -> None:
        thread, exchange = self._thread, self._exchange
        while thread is not None and thread.is_alive():
            thread.join(0.05)
            if exchange.due is not None and time.monotonic() > exchange.due + _GRACE:
                # Its answer comes byte by byte, each within a deadline of its own.
                self._silent = True
                self._fail("The Hub did not finish its response.")
                return

    def _push(self, client: HubClient, copy: tempfile.TemporaryDirectory) -> None:
        with copy as parent:
            try:
                preset = PresetFolder(Path(parent) / _COPY)
                check_shareable(preset)
                _, self.url, _ = Upload(client, self.target, preset).send(self.private)
                self.last_error = None
                _log.info("Pushed: %s", self.url)
            except Exception as error:
                # No error of a push may stop the training.
                self._silent = isinstance(error, SilentHubError)
                self._fail(error)

    def _drop(self) -> None:
        if self._waiting is not None:
            self._waiting.cleanup()
            self._waiting = None

    def _fail(self, reason: object) -> None:
        self.last_error = " ".join(str(reason).split())
        _log.warning("A push failed; training continues. %s", self.last_error)
