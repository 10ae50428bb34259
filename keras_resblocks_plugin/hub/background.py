"""Pushes beside a training: one at a time, and of those that wait only the latest."""

import logging
import shutil
import tempfile
import threading
from pathlib import Path

from keras_resblocks_plugin._one_save import one_save
from keras_resblocks_plugin.hub.checks import check_shareable
from keras_resblocks_plugin.hub.contents import copy_contents
from keras_resblocks_plugin.hub.upload import Upload
from keras_resblocks_plugin.hub_client import Handle, HubClient

_log = logging.getLogger(__name__)


class BackgroundPush:
    """Sends copies of preset folders to one repository, from a thread.

    Args:
        client: Who sends.
        target: The repository and branch.
        private: Whether a new repository is private.

    Attributes:
        url: The page of the last commit that arrived, or `None`.
        missing: Why the last push did not arrive, or `None`.
    """

    def __init__(self, client: HubClient, target: Handle, private: bool | None):
        self.client, self.target, self.private = client, target, private
        self.url = None
        self.missing = None
        self._waiting = None
        self._thread = None

    def offer(self, folder: Path) -> None:
        """Takes a copy of a preset to push; a copy that still waits is dropped."""
        if self._waiting is not None:
            shutil.rmtree(self._waiting.parent, ignore_errors=True)
        parent = None
        try:
            parent = Path(tempfile.mkdtemp(prefix="keras_resblocks_plugin_"))
            copy, token = parent / "preset", self.client.token
            self._waiting = one_save(folder, lambda: copy_contents(folder, copy, token))
        except (OSError, ValueError) as error:
            self._waiting = None
            if parent is not None:
                shutil.rmtree(parent, ignore_errors=True)
            self._fail(f"The preset could not be copied for the push: {error}")

    def start(self) -> None:
        """Starts to push what waits, unless a push is going on."""
        if self._waiting is not None and not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self._push, args=(self._waiting,))
            self._waiting = None
            self._thread.start()

    def finish(self, folder: Path) -> None:
        """Waits until all has arrived; tries once more to push `folder` if it has not."""
        self._wait()
        if self.missing and self._waiting is None:
            self.offer(folder)
        self.start()
        self._wait()

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _push(self, folder: Path) -> None:
        try:
            check_shareable(folder)
            _, self.url, _ = Upload(self.client, self.target, folder).send(self.private)
            self.missing = None
            _log.info("Pushed: %s", self.url)
        except Exception as error:
            # Whatever it is, the training matters more.
            self._fail(error)
        finally:
            shutil.rmtree(folder.parent, ignore_errors=True)

    def _fail(self, reason: object) -> None:
        self.missing = " ".join(str(reason).split())
        _log.warning("A push failed and the training goes on. %s", self.missing)
