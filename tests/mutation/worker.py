"""Loading in another process, with time and memory measured."""

import ctypes
import gc
import multiprocessing
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_LONGEST_SECONDS = 60
LOADERS = ("ResBlockBackbone", "ResBlockImageClassifier")


@dataclass(frozen=True)
class Outcome:
    """The outcome of loading a folder.

    Args:
        kind: `"refused"`, `"loaded"`, `"raw error"` of another library, `"fails when called"`
            or `"no end"`.
        text: The error, if there is one.
        outputs: The outputs of the loaded model for one image.
        seconds: The time until the folder was loaded or refused.
        grown: The largest growth of the anonymous memory of the process, in bytes.
    """

    kind: str
    text: str = ""
    outputs: np.ndarray | None = None
    seconds: float = 0.0
    grown: int = 0


class Worker:
    """A process that loads folders one by one, and is replaced if a load does not end."""

    def __init__(self):
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["keras_resblocks_plugin"])
        self._start()

    def load(self, folder: Path, loader: str) -> Outcome:
        """Loads a preset with the class named `loader`, and calls the model once."""
        self._pipe.send((folder, loader))
        # Memory is read from here, since the process cannot read it while a library runs.
        before = self._pipe.recv()
        peak, start = before, time.monotonic()
        while not self._pipe.poll(0.002):
            peak = max(peak, self._anonymous())
            if time.monotonic() - start > _LONGEST_SECONDS:
                self._process.kill()
                self._start()
                return Outcome("no end", seconds=_LONGEST_SECONDS, grown=peak - before)
        kind, text, outputs, seconds, after = self._pipe.recv()
        return Outcome(kind, text, outputs, seconds, max(peak, after) - before)

    def close(self) -> None:
        self._process.kill()

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()

    def _anonymous(self) -> int:
        return anonymous_bytes(self._process.pid)


def anonymous_bytes(process: int | str) -> int:
    """Returns the memory of a process that is not backed by a file."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(x.split()[1]) << 10 for x in status.splitlines() if x.startswith("RssAnon"))


def _serve(pipe) -> None:
    import keras_resblocks_plugin as krp

    warnings.simplefilter("ignore")
    while True:
        folder, loader = pipe.recv()
        gc.collect()
        # Return freed memory to the system, so that the growth of the next load is visible.
        ctypes.CDLL(None).malloc_trim(0)
        pipe.send(anonymous_bytes("self"))
        start = time.monotonic()
        kind, text, outputs, model = "loaded", "", None, None
        try:
            model = getattr(krp, loader).from_preset(str(folder))
        except ValueError as error:
            kind, text = "refused", str(error)
        except Exception as error:
            kind, text = "raw error", repr(error)
        seconds, after = time.monotonic() - start, anonymous_bytes("self")
        if model is not None:
            try:
                outputs = _outputs(model)
            except Exception as error:
                kind, text = "fails when called", repr(error)
        del model
        pipe.send((kind, text[:2000], outputs, seconds, after))


def _outputs(model) -> np.ndarray:
    import keras

    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("float32")
    if hasattr(model, "preprocessor"):
        image = model.preprocessor(image)
    return np.asarray(keras.ops.convert_to_numpy(model(image)), "float32")
