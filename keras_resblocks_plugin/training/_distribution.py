"""Training on several devices and hosts with `keras.distribution`.

Every process trains on an equal share of the images and of each batch, and all have the same
weights. Only the first process writes files; what it does alone, such as saving, it does under
`alone()`. By default there is one process, and the functions below return its own values.
"""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from keras_resblocks_plugin.training import _cluster


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistributionConfig:
    """The devices and processes of a run. More than one device needs the JAX backend.

    Args:
        data_parallel: bool. Whether to train on all devices of this host. Defaults to `False`.
        cluster: `"auto"` or `None`. `"auto"` lets JAX find the processes of a job that SLURM,
            Open MPI, a Cloud TPU or Kubernetes has started. Defaults to `None`: no other process
            is joined, unless the next options say so.
        job_addresses: str. `"HOST:PORT"` of process 0, if there are several processes.
            Defaults to `None`: `KERAS_DISTRIBUTION_JOB_ADDRESSES` of the environment, if set.
        num_processes: int. How many processes train together. Defaults to `None`:
            `KERAS_DISTRIBUTION_NUM_PROCESSES`.
        process_id: int. The index of this process, from 0. Defaults to `None`:
            `KERAS_DISTRIBUTION_PROCESS_ID`.
    """

    data_parallel: bool = False
    cluster: Literal["auto"] | None = None
    job_addresses: str | None = None
    num_processes: int | None = None
    process_id: int | None = None


# The settings in which the processes of a run may differ.
FLAGS = tuple(field.name for field in dataclasses.fields(DistributionConfig))


def start(config: DistributionConfig, batch_size: int) -> None:
    """Sets the distribution, before any model or array is created.

    The processes draw alike: `_runs.claim` refuses those with another seed.

    Args:
        config: The devices and processes.
        batch_size: Images a step, on all devices together.

    Raises:
        ValueError: If the configuration is incomplete, the backend would ignore it, there is no
            cluster, or the batch size is not a multiple of the number of devices.
    """
    import keras

    addresses = _cluster.with_environment(
        {
            "job_addresses": config.job_addresses,
            "num_processes": config.num_processes,
            "process_id": config.process_id,
        }
    )
    several = config.cluster is not None or any(value is not None for value in addresses.values())
    if not (several or config.data_parallel):
        return
    if several and config.cluster is None and None in addresses.values():
        raise ValueError(
            "--job-addresses, --num-processes and --process-id belong together. Received: "
            "--job-addresses {job_addresses} --num-processes {num_processes} "
            "--process-id {process_id}".format(**addresses)
        )
    if keras.config.backend() != "jax":
        raise ValueError(
            "Several devices or processes need the JAX backend, as others would silently train on "
            f"one: set KERAS_BACKEND=jax. On {keras.config.backend()}, one process trains on one "
            "device, also with --accumulate, and resumes after it was stopped. "
            f"Received: KERAS_BACKEND={keras.config.backend()}"
        )
    if several:
        _cluster.join(config.cluster, **addresses)
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
    """Returns the index of this process and the number of processes."""
    import keras

    distribution = keras.distribution.distribution()
    if distribution is None:
        return 0, 1
    return distribution.data_shard_id, distribution.num_processes


def is_first() -> bool:
    """Returns `True` in the process that writes files."""
    return place()[0] == 0


def share(rows: np.ndarray, equal: bool = True) -> np.ndarray:
    """Returns this process's share of the rows.

    Args:
        rows: The rows of all processes.
        equal: Whether to drop the last rows if they cannot be shared equally. Training has to:
            a process with more batches than another would wait for it forever.

    Raises:
        ValueError: If there are fewer rows than processes.
    """
    index, count = place()
    if len(rows) < count:
        raise ValueError(
            "Each process must have an image to train on, and one to validate on if some are held "
            f"out. Received: {len(rows)} images for {count} processes"
        )
    return rows[index : len(rows) // count * count if equal else None : count]


def total(counts: np.ndarray | int) -> np.ndarray:
    """Returns the sum of integers over all processes."""
    if place()[1] == 1:
        return np.asarray(counts)
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.asarray(counts, "uint32")).sum(0, dtype="int64")


@contextlib.contextmanager
def from_first(file: Path) -> Iterator[Path]:
    """Yields a copy of the first process's file in every process: hosts need not share a disk.

    Raises:
        FileNotFoundError: In every process, if the first one has no such file.
    """
    content = np.zeros(0, "uint8")
    if is_first() and file.exists():
        content = np.fromfile(file, "uint8")
    content = _bytes_from_first(content)
    if not content.size:
        raise FileNotFoundError(file)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name.removesuffix(".bkp")
        content.tofile(copy)
        yield copy


def text_from_first(text: str) -> str:
    """Returns the first process's text in every process."""
    content = np.frombuffer(text.encode() if is_first() else b"", "uint8")
    return _bytes_from_first(content).tobytes().decode()


def _bytes_from_first(content: np.ndarray) -> np.ndarray:
    """Returns the first process's bytes in every process; those of the others are ignored."""
    size = int(total(content.size))
    if place()[1] == 1 or not size:
        return content
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.broadcast_one_to_all(np.resize(content, size)))


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Context of work of a single process, which stays on its first device."""
    import keras

    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def finish() -> bool:
    """Ends the joint part of a run. Returns `True` in the first process, which continues alone."""
    import keras

    first = is_first()
    keras.distribution.set_distribution(None)
    if _cluster.joined():
        _cluster.leave()
    return first
