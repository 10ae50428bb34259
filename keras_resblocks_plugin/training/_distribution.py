"""Training on several devices and hosts, by `keras.distribution` and flags.

Every process trains on an equal share of the images and of each batch, and the weights are
alike in all of them. The first process alone writes, and what it alone does, such as saving,
it does under `alone()`. Without the flags, everything here is that of one process.
"""

import argparse
import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributionConfig:
    """The devices and processes of a run. More than one device needs the JAX backend.

    Args:
        data_parallel: bool. Whether to train on all devices of this host. Defaults to `False`.
        job_addresses: str. `"HOST:PORT"` of process 0, if there are several processes.
            Defaults to `None`.
        num_processes: int. How many processes train together. Defaults to `None`.
        process_id: int. The index of this process, from 0. Defaults to `None`.
    """

    data_parallel: bool = False
    job_addresses: str | None = None
    num_processes: int | None = None
    process_id: int | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that `start()` reads; a cluster is described as to Keras and JAX."""
    group = parser.add_argument_group("several devices, with KERAS_BACKEND=jax")
    group.add_argument(
        "--data-parallel", action="store_true", help="train on all devices of this host at once"
    )
    group.add_argument("--job-addresses", help="with several processes: HOST:PORT of process 0")
    group.add_argument("--num-processes", type=int, help="how many processes train together")
    group.add_argument("--process-id", type=int, help="which one this is, from 0")


def start(args: DistributionConfig, batch_size: int) -> None:
    """Sets the distribution that the flags ask for, before any model or array is made.

    Args:
        args: The devices and processes.
        batch_size: Images a step, on all devices together.

    Raises:
        ValueError: If the flags are incomplete, the backend would ignore them, or the batch
            does not divide.
    """
    import keras

    cluster = (args.job_addresses, args.num_processes, args.process_id)
    several = cluster != (None, None, None)
    if not (several or args.data_parallel):
        return
    if several and None in cluster:
        raise ValueError(
            "--job-addresses, --num-processes and --process-id belong together. Received: "
            "--job-addresses {} --num-processes {} --process-id {}".format(*cluster)
        )
    if keras.config.backend() != "jax":
        raise ValueError(
            "Several devices need the JAX backend, others would train on one and not say so: "
            f"set KERAS_BACKEND=jax. Received: KERAS_BACKEND={keras.config.backend()}"
        )
    if several:
        keras.distribution.initialize(*cluster)
    # The pipeline gives each process its own share already.
    distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
    devices = distribution.num_model_replicas
    if batch_size % devices:
        raise ValueError(
            f"`batch_size` must be a multiple of the number of devices, {devices}: each takes an "
            f"equal share of a batch. Received: batch_size={batch_size}"
        )
    keras.distribution.set_distribution(distribution)
    index, count = place()
    print(f"Training on {devices} devices, as process {index} of {count}", flush=True)


def place() -> tuple[int, int]:
    """Which process this is, and of how many."""
    import keras

    distribution = keras.distribution.distribution()
    if distribution is None:
        return 0, 1
    return distribution.data_shard_id, distribution.num_processes


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return place()[0] == 0


def share(rows: np.ndarray, equal: bool = True) -> np.ndarray:
    """This process's share of the rows.

    Args:
        rows: The rows of all processes.
        equal: Whether to leave out the last rows where they do not divide. Training has to: a
            process with more batches than another would wait for it for ever.

    Raises:
        ValueError: If there are fewer rows than processes.
    """
    index, count = place()
    if len(rows) < count:
        raise ValueError(
            "Each process must have an image to learn from, and one to watch where some are held "
            f"out. Received: {len(rows)} images for {count} processes"
        )
    return rows[index : len(rows) // count * count if equal else None : count]


def total(counts: np.ndarray | int) -> np.ndarray:
    """The sum of integers over all processes."""
    if place()[1] == 1:
        return np.asarray(counts)
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.asarray(counts, "uint32")).sum(0, dtype="int64")


@contextlib.contextmanager
def from_first(file: Path) -> Iterator[Path]:
    """A copy of the first process's file, in every process: hosts need not share a disk.

    Raises:
        FileNotFoundError: If there is none, in every process too.
    """
    content = np.zeros(0, "uint8")
    if is_first() and file.exists():
        content = np.fromfile(file, "uint8")
    content = _bytes_from_first(content)
    if not content.size:
        raise FileNotFoundError(file)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.weights.h5"
        content.tofile(copy)
        yield copy


def text_from_first(text: str) -> str:
    """The first process's text, in every process."""
    content = np.frombuffer(text.encode() if is_first() else b"", "uint8")
    return _bytes_from_first(content).tobytes().decode()


def _bytes_from_first(content: np.ndarray) -> np.ndarray:
    """The first process's bytes, in every process; the others give none."""
    size = int(total(content.size))
    if place()[1] == 1 or not size:
        return content
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.broadcast_one_to_all(np.resize(content, size)))


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """For what one process does without the others: what it creates is on its first device."""
    import keras

    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def finish() -> bool:
    """Ends what the processes do together; whether this one is to go on, alone."""
    import keras

    index, count = place()
    keras.distribution.set_distribution(None)
    if count > 1:
        import jax

        # Else the others, which are done, would wait for the first and at last give it up.
        jax.distributed.shutdown()
    return index == 0
