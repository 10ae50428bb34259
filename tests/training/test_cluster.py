"""How processes find each other: by options, by the environment, or by JAX."""

import keras
import pytest

from keras_resblocks_plugin.training import DistributionConfig, _distribution

SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_NODELIST": "127.0.0.1",
    "SLURM_NTASKS": "2",
    "SLURM_PROCID": "{index}",
    "SLURM_LOCALID": "{index}",
    "JAX_COORDINATOR_PORT": "{port}",
}
KERAS = {
    # The address of each process, of which JAX needs the first.
    "KERAS_DISTRIBUTION_JOB_ADDRESSES": "127.0.0.1:{port},127.0.0.1:1",
    "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
    "KERAS_DISTRIBUTION_PROCESS_ID": "{index}",
}
# Forks two processes a case, which import nothing again. They print their places or errors.
START = """
import os, socket
from keras_resblocks_plugin.training import DistributionConfig, _distribution
for case, (config, environment) in CASES.items():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for index in range(2):
        if os.fork() == 0:
            for name, value in environment.items():
                os.environ[name] = value.format(index=index, port=port)
            try:
                _distribution.start(DistributionConfig(**config), 8)
                text = "{} {}".format(*_distribution.place())
                _distribution.finish()
            except ValueError as error:
                text = str(error)
            os.write(1, (case + " " + text + os.linesep).encode())
            os._exit(0)
    for index in range(2):
        os.wait()
"""


@pytest.mark.skipif(keras.config.backend() != "jax", reason="JAX alone has several processes.")
def test_processes_find_each_other_where_they_are_asked_to(fresh_process):
    cases = {
        "slurm": ({"cluster": "auto"}, SLURM),
        "unasked": ({}, SLURM),
        "keras": ({}, KERAS),
        "no_cluster": ({"cluster": "auto"}, {}),
        "incomplete": ({}, {**KERAS, "KERAS_DISTRIBUTION_PROCESS_ID": ""}),
        "no_number": ({}, {**KERAS, "KERAS_DISTRIBUTION_PROCESS_ID": "first"}),
    }
    lines = [
        line.partition(" ")
        for line in fresh_process(START.replace("CASES", repr(cases))).splitlines()
    ]
    places = {case: sorted(line[2] for line in lines if line[0] == case) for case in cases}
    assert places["slurm"] == places["keras"] == ["0 2", "1 2"]
    assert places["unasked"] == ["0 1", "0 1"]
    for case, error in {
        "no_cluster": "--cluster auto found no cluster",
        "incomplete": "--process-id belong together",
        "no_number": "Received: KERAS_DISTRIBUTION_PROCESS_ID=first",
    }.items():
        assert len(places[case]) == 2
        assert all(error in text for text in places[case])


@pytest.mark.skipif(keras.config.backend() == "jax", reason="JAX is the backend that can.")
@pytest.mark.parametrize("environment", [SLURM, KERAS])
def test_other_backends_say_what_works_there(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(index=0, port=1))
    config = DistributionConfig(cluster="auto" if environment is SLURM else None)
    with pytest.raises(ValueError, match="one process trains on one device") as error:
        _distribution.start(config, 8)
    assert "set KERAS_BACKEND=jax" in str(error.value)
