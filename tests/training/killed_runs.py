"""Small runs in several processes, which a signal ends at a random instant.

Processes are forked, so that they import everything once. JAX must not have computed before.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

import keras
import numpy as np

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import DistributionConfig, Optimizer, Schedule
from keras_resblocks_plugin.training import _distribution as distribution
from keras_resblocks_plugin.training._cluster import ending_together
from keras_resblocks_plugin.training._fit import fit
from keras_resblocks_plugin.training._optimizer import compile_classifier
from keras_resblocks_plugin.training._recipe import Augmentation
from keras_resblocks_plugin.training.data._batches import Batches
from keras_resblocks_plugin.training.data._labelled_images import ImageSet
from keras_resblocks_plugin.training.data._training import AugmentedBatches

EPOCHS, STEPS, BATCH_SIZE, COUNT = 3, 6, 8, 50
# Seconds that a step waits for its batch.
_WAIT = 0.1


@dataclasses.dataclass
class Outcome:
    """How a run that was sent a signal ended, and continued.

    Args:
        processes: The number of processes.
        signal: The name of the signal.
        victim: The process that received it.
        after: Steps between the second one and the signal.
        codes: The exit codes of the processes.
        seconds: Seconds until all had ended.
        naming: Survivors whose last words name the victim.
        steps: Finished steps in the backup.
        difference: The largest difference of a weight to an undisturbed run, continued by as many
            processes.
        difference_alone: The same, continued by one process.
    """

    processes: int
    signal: str
    victim: int
    after: float
    codes: list[int]
    seconds: float
    naming: list[int]
    steps: int
    difference: float
    difference_alone: float


def killed(folder: Path, count: int, name: str, rng: np.random.Generator) -> Outcome:
    """Sends a signal to one of several processes, lets the run continue, compares weights."""
    whole, out, alone = (folder / f"{kind}-{count}" for kind in ("whole", "killed", "alone"))
    if not whole.exists():
        assert ended(launch(whole, count)) == [0] * count, last_words(whole)
    for previous in (out, alone):
        shutil.rmtree(previous, ignore_errors=True)
    # Starting and compiling take most of the time. Counted in steps, the signal always comes before
    # the end, however busy the machine is.
    after = rng.uniform(0, EPOCHS * STEPS - 4)
    victim = int(rng.integers(count))
    ids = launch(out, count)
    deadline = time.monotonic() + 300
    while steps_seen(out / "training-0") <= int(after):
        assert time.monotonic() < deadline, last_words(out)
        time.sleep(0.01)
    time.sleep(after % 1 * _WAIT)
    start = time.monotonic()
    with contextlib.suppress(ProcessLookupError):
        os.kill(ids[victim], signal.Signals[name])
    codes = ended(ids)
    seconds = time.monotonic() - start
    words = last_words(out)
    position = out / "backup" / "position.json"
    steps = json.loads(position.read_text())["step"] if position.exists() else 0
    shutil.copytree(out, alone)
    continued = {run: launch(run, processes) for run, processes in ((out, count), (alone, 1))}
    for run, ids in continued.items():
        assert ended(ids) == [0] * len(ids), last_words(run)
    return Outcome(
        processes=count,
        signal=name,
        victim=victim,
        after=round(after, 1),
        codes=codes,
        seconds=round(seconds, 1),
        naming=[index for index in range(count) if names(words[index], victim)],
        steps=steps,
        difference=difference(out, whole),
        difference_alone=difference(alone, whole),
    )


def steps_seen(file: Path) -> int:
    """How many steps have begun since the first one, which was compiled."""
    return file.stat().st_size if file.exists() else 0


def names(words: str, process: int) -> bool:
    """Whether JAX's message says which process died. Process 0 is its leader."""
    messages = [
        f"Task {process} heartbeat timeout",
        f"unhealthy (stopped sending heartbeats):\n{process}\n",
    ]
    if process == 0:
        messages.append("leader task was preempted/died")
    return any(message in words for message in messages)


def difference(folder: Path, other: Path) -> float:
    """The largest difference between the weights of two runs."""
    with np.load(folder / "weights.npz") as ours, np.load(other / "weights.npz") as theirs:
        return max(float(np.abs(ours[name] - theirs[name]).max()) for name in theirs)


def last_words(folder: Path) -> list[str]:
    """The output of each process."""
    return [file.read_text(errors="replace") for file in sorted(folder.glob("log-*"))]


def ended(ids: list[int]) -> list[int]:
    """Waits for processes. Returns their exit codes, or the negative signal that ended them."""
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in ids]


def launch(out: Path, count: int) -> list[int]:
    """Starts the processes of a run. Returns their ids."""
    out.mkdir(parents=True, exist_ok=True)
    for file in (*out.glob("training-*"), *out.glob("log-*")):
        file.unlink()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return [fork(out, index, count, port) for index in range(count)]


def fork(out: Path, index: int, count: int, port: int) -> int:
    """Starts a process. Returns its id."""
    if process := os.fork():
        return process
    log = os.open(out / f"log-{index}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        train(out, index, count, port)
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def train(out: Path, index: int, count: int, port: int) -> None:
    """Trains in one of several processes."""
    keras.utils.set_random_seed(0)
    config = DistributionConfig()
    if count > 1:
        config = DistributionConfig(
            job_addresses=f"127.0.0.1:{port}", num_processes=count, process_id=index
        )
    with ending_together():
        distribution.start(config, BATCH_SIZE)
        pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), "uint8")
        images = ImageSet(pixels, np.arange(COUNT, dtype="int32") % 3, ["a", "b", "c"])
        augmentation = Augmentation(mixup_alpha=0.4)
        make = AugmentedBatches(images, np.arange(COUNT), BATCH_SIZE, augmentation, (8, 8), 0)
        backbone = krp.ResBlockBackbone("bn", [4], [1], [1], [4], [3], [1], image_shape=(8, 8, 3))
        model = krp.ResBlockImageClassifier(backbone, num_classes=3, dropout=0.3)
        model.preprocessor = None
        schedule = Schedule(epochs=EPOCHS, warmup_epochs=1)
        compile_classifier(model, schedule, STEPS, Optimizer(ema_momentum=0.5))
        finish = _Waiting(out / f"training-{index}")
        fit(model, Batches(make, finish), STEPS, EPOCHS, out)
        weights = model.get_weights()
        if distribution.finish():
            np.savez(out / "weights.npz", *weights)


class _Waiting:
    """Waits before each batch, and writes a byte for each after the first step."""

    def __init__(self, file: Path):
        self.file, self.count = file, 0

    def __call__(self, batch):
        self.count += 1
        # Keras reads three batches before the one of the first step.
        if self.count > 4:
            with self.file.open("ab") as file:
                file.write(b".")
        time.sleep(_WAIT)
        return (batch[0] / 64 - 2).astype("float32"), batch[1]
