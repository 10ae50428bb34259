"""Training on several devices and in several processes, as started from a shell."""

import json
import socket
import time

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_resblocks_plugin.training import DistributionConfig, _distribution
from tests.fixtures import SCRIPTS, start_script
from tests.made_data import photographs, save_dataset

needs_jax = pytest.mark.skipif(
    keras.config.backend() != "jax",
    reason="`keras.distribution` trains on several devices with JAX alone.",
)

# Sums of float32 in another order, some hundreds of them a step, in a dozen steps that each build
# on the last. A wrong share, a wrong average or a wrong mask differs in the second digit.
TOLERANCE = dict(rtol=1e-4, atol=1e-4)

BACKBONE = """
[backbone]
block_type = "bn"
stackwise_num_filters = [4, 8]
stackwise_num_blocks = [1, 1]
stackwise_num_strides = [1, 2]
input_conv_filters = [4]
input_conv_kernel_sizes = [3]
input_conv_strides = [2]
"""

# A batch is all training images: whoever has which, every step sees the same. The five images
# that are watched fill no batch.
WHOLE = """
image_size = 16
epochs = 12
batch_size = 32
learning_rate = 0.05
flip = false
translation = 0.0
holdout = 0.135
"""

# Several shuffled, augmented and mixed batches an epoch, dropout and averaged weights.
SHUFFLED = """
image_size = 16
epochs = 6
batch_size = 16
learning_rate = 0.05
warmup_epochs = 1
mixup_alpha = 0.2
cutmix_probability = 0.5
dropout = 0.2
ema_momentum = 0.5
holdout = 0.1
"""

# Several runs of the script in one process, for the time that imports take.
SEVERAL_RUNS = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
from _door import run
for line in sys.argv[2:]:
    name, *arguments = line.split()
    script = importlib.import_module(name)
    try:
        run(script.app, arguments)
    except SystemExit as end:
        print(end.code)
"""

DEVICES = "--xla_force_host_platform_device_count={}"


@pytest.fixture(scope="module")
def new_run(tmp_path_factory):
    """`new_run(recipe, name, *flags)` → the arguments of a run in the folder `name`; the folder."""
    folder = tmp_path_factory.mktemp("distribution")
    data = save_dataset(folder / "data", train=photographs(37, 0), validation=photographs(10, 1))

    def new_run(recipe, name, *flags):
        (folder / f"{name}.toml").write_text(recipe + BACKBONE)
        out = folder / name
        return [folder / f"{name}.toml", "--data", data, "--out", out, *flags], out

    return new_run


@pytest.fixture(scope="module")
def eight_devices(new_run, tmp_path_factory):
    """Runs with eight simulated devices, on one or all: their folders by name, and the output."""
    flag = "--data-parallel"
    runs = [
        new_run(WHOLE, "whole"),
        new_run(WHOLE, "whole_on_eight", flag),
        new_run(SHUFFLED, "shuffled"),
        new_run(SHUFFLED, "shuffled_on_eight", flag),
        new_run(WHOLE.replace("32", "20"), "indivisible", flag),
    ]
    script = tmp_path_factory.mktemp("script") / "runs.py"
    script.write_text(SEVERAL_RUNS)
    lines = [" ".join(map(str, ["train", *arguments])) for arguments, _ in runs]
    folders = {out.name: out for _, out in runs}
    folders["fine_tuned"] = folders["whole"].with_name("fine_tuned")
    lines.append(
        f"finetune classification {folders['whole']}/preset --data {runs[0][0][2]} "
        f"--out {folders['fine_tuned']} --strategy lora --epochs 2 --batch-size 16 "
        f"--held-out-per-class 1 --dtype mixed_bfloat16 {flag}"
    )
    process = start_script(script, SCRIPTS, *lines, env={"XLA_FLAGS": DEVICES.format(8)})
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors[-3000:]
    return folders, output


def history(out):
    """The figures of every epoch, without how long it took."""
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    return {line["epoch"]: {k: v for k, v in line.items() if "second" not in k} for line in lines}


def assert_same_training(out, reference):
    """The same epochs, figures and weights."""
    ours, theirs = history(out), history(reference)
    assert ours.keys() == theirs.keys()
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} < ours[1].keys()
    for epoch, figures in theirs.items():
        for name, value in figures.items():
            np.testing.assert_allclose(ours[epoch][name], value, **TOLERANCE, err_msg=name)
    presets = out / "preset", reference / "preset"
    ours, theirs = (load_file(preset / "model.safetensors") for preset in presets)
    for path, weight in theirs.items():
        np.testing.assert_allclose(ours[path], weight, **TOLERANCE, err_msg=path)
    ours, theirs = (json.loads((preset / "training.json").read_text()) for preset in presets)
    assert [ours[key] for key in ("results", "data")] == [theirs["results"], theirs["data"]]


@needs_jax
@pytest.mark.parametrize("name", ["whole", "shuffled"])
def test_eight_devices_learn_what_one_does(eight_devices, name):
    folders, output = eight_devices
    assert "Training on 8 devices, as process 0 of 1" in output
    assert_same_training(folders[f"{name}_on_eight"], folders[name])


@needs_jax
def test_finetune_learns_on_eight_devices_in_mixed_precision(eight_devices):
    folders, output = eight_devices
    out = folders["fine_tuned"]
    assert output.count("Training on 8 devices") == 3
    assert {"loss", "val_loss", "val_accuracy"} < history(out)[2].keys()
    record = json.loads((out / "preset" / "training.json").read_text())
    assert record["recipe"]["dtype"] == "mixed_bfloat16"
    assert {"validation_top1", "held_out_top1"} < record["results"].keys()


@needs_jax
def test_a_batch_that_does_not_divide_is_refused_before_training(eight_devices):
    folders, output = eight_devices
    error = "error: `batch_size` must be a multiple of the number of devices, 8"
    assert any(
        line.startswith(error) and line.endswith("Received: batch_size=20")
        for line in output.splitlines()
    )
    assert list(folders["indivisible"].iterdir()) == []


def start_two(runs):
    """Starts two processes of two devices each, as on two hosts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    return [
        start_script(
            *("train.py", *arguments, "--job-addresses", address),
            *("--num-processes", 2, "--process-id", index),
            env={"XLA_FLAGS": DEVICES.format(2)},
        )
        for index, (arguments, _) in enumerate(runs)
    ]


def kill_after_epochs(processes, folder, count):
    """Kills processes once the run has so many epochs. After that, any moment will do."""
    backup = folder / "backup" / "training_metadata.json"
    while not backup.exists() or len(history(folder)) < count:
        assert processes[0].poll() is None, processes[0].communicate()[1][-3000:]
        time.sleep(0.02)
    for process in reversed(processes):
        process.kill()
        process.communicate()


@needs_jax
def test_two_processes_killed_and_started_again_learn_what_one_does(eight_devices, new_run):
    # As on two hosts, each has a disk of its own.
    runs = [new_run(SHUFFLED, "first"), new_run(SHUFFLED, "second")]
    first, second = (out for _, out in runs)
    kill_after_epochs(start_two(runs), first, 1)
    kill_after_epochs(start_two(runs), first, 3)
    assert 3 <= len(history(first)) < 6

    # Another number of processes ends the run.
    process = start_script("train.py", *runs[0][0])
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors[-3000:]
    assert_same_training(first, eight_devices[0]["shuffled"])

    # The second process has its own share of the watched images, and all to train on.
    assert sorted(len(np.load(file)) for file in second.glob("cache/*-images.npy")) == [2, 33]
    assert [path.name for path in second.iterdir()] == ["cache"]


@needs_jax
def test_processes_with_other_settings_all_end(new_run):
    runs = [new_run(WHOLE, "alike"), new_run(WHOLE, "different", "--seed", 1)]
    for process, changed in zip(
        start_two(runs), ("others in another", "`seed` was 0, now 1"), strict=True
    ):
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 1
        assert "All processes of a run must have the same settings" in errors
        assert changed in errors
    assert not (runs[1][1] / "settings.json").exists()


CLUSTER = {"job_addresses": "127.0.0.1:1", "num_processes": 2}


@pytest.mark.skipif(keras.config.backend() == "jax", reason="JAX is the backend that can.")
@pytest.mark.parametrize("values", [{"data_parallel": True}, {**CLUSTER, "process_id": 0}])
def test_other_backends_are_refused(values):
    with pytest.raises(ValueError, match="set KERAS_BACKEND=jax"):
        _distribution.start(DistributionConfig(**values), 8)


def test_half_a_cluster_is_refused():
    with pytest.raises(ValueError, match="--process-id belong together"):
        _distribution.start(DistributionConfig(**CLUSTER), 8)


def test_by_default_there_is_one_process():
    _distribution.start(DistributionConfig(), 7)
    assert keras.distribution.distribution() is None
    assert _distribution.place() == (0, 1)
    rows = np.arange(5)
    np.testing.assert_array_equal(_distribution.share(rows), rows)
