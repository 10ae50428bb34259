"""The processes that train together: how they find each other, and how they end together."""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping

# Processes send heartbeats. One that has sent none for so long has died, and JAX ends the others.
_HEARTBEAT_TIMEOUT = 20
# A process with an error of its own waits so long for the others to have theirs.
_PATIENCE = 5
# A process that lost another waits so long for JAX to say which, and to end it.
_NAMING = _HEARTBEAT_TIMEOUT + 5
# Of each setting, the environment variable of `keras.distribution.initialize`.
_VARIABLES = {
    "job_addresses": "KERAS_DISTRIBUTION_JOB_ADDRESSES",
    "num_processes": "KERAS_DISTRIBUTION_NUM_PROCESSES",
    "process_id": "KERAS_DISTRIBUTION_PROCESS_ID",
}


def with_environment(settings: Mapping[str, str | int | None]) -> dict[str, str | int | None]:
    """Returns the address and numbers of a cluster, completed by Keras' environment variables.

    Args:
        settings: `job_addresses`, `num_processes` and `process_id`. Those that are `None` come
            from `KERAS_DISTRIBUTION_JOB_ADDRESSES` and so on, where these are set.

    Raises:
        ValueError: If a number in the environment is not an integer.
    """
    complete = dict(settings)
    for name, variable in _VARIABLES.items():
        text = os.environ.get(variable)
        if complete[name] is not None or not text:
            continue
        if name != "job_addresses" and not text.isdecimal():
            raise ValueError(f"`{variable}` must be an integer. Received: {variable}={text}")
        complete[name] = text if name == "job_addresses" else int(text)
    return complete


def join(
    cluster: str | None,
    job_addresses: str | None,
    num_processes: int | None,
    process_id: int | None,
) -> None:
    """Joins the processes of a run, before JAX has done anything else.

    In place of `keras.distribution.initialize`, which passes on no timeout of the heartbeats.

    Args:
        cluster: `"auto"` to let JAX find what the other arguments leave open, or `None`.
        job_addresses: The address of process 0, or of all, separated by commas.
        num_processes: The number of processes.
        process_id: The index of this process.

    Raises:
        ValueError: If the addresses are not as many as the processes, or JAX finds no cluster.
    """
    import jax

    addresses = job_addresses.split(",") if job_addresses else []
    if len(addresses) > 1 and num_processes not in (None, len(addresses)):
        raise ValueError(
            "--job-addresses must be the address of process 0, or one of each process. Received: "
            f"{len(addresses)} addresses for {num_processes} processes"
        )
    try:
        jax.distributed.initialize(
            addresses[0] if addresses else None,
            num_processes,
            process_id,
            # Otherwise JAX would ask the cluster which devices to use, even where all is given.
            cluster_detection_method=None if cluster else "deactivate",
            heartbeat_timeout_seconds=_HEARTBEAT_TIMEOUT,
        )
    except ValueError as error:
        # What JAX says where it finds none.
        if cluster and "be defined" in str(error):
            raise ValueError(
                "--cluster auto found no cluster. JAX knows SLURM (`srun`), Open MPI (`mpirun`), "
                "Cloud TPU, and Kubernetes with `pip install jax[k8s]`. Elsewhere, give "
                f"--job-addresses, --num-processes and --process-id. Received: {error}"
            ) from None
        raise


def joined() -> bool:
    """Returns `True` if this process has joined others, and has not left them."""
    # On other backends, JAX need not be installed.
    jax = sys.modules.get("jax")
    return jax is not None and jax.distributed.is_initialized()


def leave() -> None:
    """Leaves the other processes, once they leave, too."""
    import jax

    # Otherwise the others would wait for this process until they time out.
    jax.distributed.shutdown()


@contextlib.contextmanager
def ending_together() -> Iterator[None]:
    """Context in which an error of one process ends all, also those that wait for it.

    If all have errors, each ends with its own. If one alone does, it says so, and ends without the
    others: JAX notices, and ends them with a message that names it.
    """
    try:
        yield
    except BaseException as error:
        if joined():
            _leave_after(error)
        raise


def _leave_after(error: BaseException) -> None:
    import keras

    distribution = keras.distribution.distribution()
    name = "This process"
    if distribution is not None:
        name = f"Process {distribution.data_shard_id} of {distribution.num_processes}"
    # Collectives of CPUs fail with an error of Gloo, which is not always JAX's own.
    lost = isinstance(error, sys.modules["jax"].errors.JaxRuntimeError) or "Gloo" in str(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    hint = f" If another process died, JAX names it within {_HEARTBEAT_TIMEOUT} seconds."
    print(f"{name} ends: {text:.500}{hint if lost else ''}", file=sys.stderr, flush=True)
    if lost:
        time.sleep(_NAMING)
    else:
        leaving = threading.Thread(target=leave, daemon=True)
        leaving.start()
        leaving.join(_PATIENCE)
        if not leaving.is_alive():
            return
    # The others wait for this process. The interpreter would wait for them at its end.
    traceback.print_exception(error)
    sys.stderr.flush()
    os._exit(1)
