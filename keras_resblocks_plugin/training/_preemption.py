"""Runs that a scheduler preempts: SIGTERM ends them with a backup."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

import keras

from keras_resblocks_plugin.training import _cluster, _distribution
from keras_resblocks_plugin.training._callbacks import Backup
from keras_resblocks_plugin.training._optimizer import finished_steps
from keras_resblocks_plugin.training._preempted import Preempted


class Preemption(keras.callbacks.Callback):
    """Ends training after SIGTERM, with a backup after the current step.

    Several processes end after the same step, whichever of them received the signal. At the end of
    an epoch they end after its validation. List it last.

    Args:
        backup: The backup of the run.
        steps_per_epoch: Steps an epoch.

    Raises:
        Preempted: In `fit`.
    """

    def __init__(self, backup: Backup, steps_per_epoch: int):
        super().__init__()
        self.backup = backup
        self.steps_per_epoch = steps_per_epoch
        self.calls = 0
        self.signaled = False
        # Whether this step is the last.
        self.reached = False

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Context of `fit`, in which a process that trains alone handles the signal itself."""
        # Of several processes, JAX handles it. Python handles signals in its main thread only.
        handles = not _cluster.joined() and threading.current_thread() is threading.main_thread()
        previous = signal.signal(signal.SIGTERM, self._receive) if handles else None
        try:
            yield
        except Preempted as stop:
            # The others wait for the first one, which saves.
            if _distribution.finish():
                print(stop, file=sys.stderr, flush=True)
            raise
        finally:
            if handles:
                signal.signal(signal.SIGTERM, previous)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.calls += 1
        self.reached = self.signaled
        if _cluster.joined():
            from jax.experimental import multihost_utils

            self.reached = multihost_utils.reached_preemption_sync_point(self.calls)
        if self.reached and finished_steps(self.model.optimizer) % self.steps_per_epoch:
            raise Preempted(self.backup.save_within_epoch(self.epoch), self.backup.folder)

    def on_epoch_end(self, epoch, logs=None):
        if self.reached or self.signaled:
            raise Preempted(finished_steps(self.model.optimizer), self.backup.folder)

    def _receive(self, number, frame):
        self.signaled = True
