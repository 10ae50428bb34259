"""The example of the page, on a local Ray with two workers."""

import importlib.util
import pathlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.docs.pages import blocks
from tests.prediction.made import save_images, table_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Needs the extra `ray`."),
]

COUNT = 24
# Each worker takes one of the CPUs, and reading and writing take the others.
RUN = """
import os, signal, sys
import psutil, ray

def stop(*_):
    raise TimeoutError("The example took more than 80 seconds.")

os.chdir(sys.argv[1])
signal.signal(signal.SIGALRM, stop)
signal.alarm(80)
try:
    ray.init(num_cpus=4, include_dashboard=False)
    exec(open("example.py").read())
finally:
    started = psutil.Process().children(recursive=True)
    ray.shutdown()
    # Workers may take half a minute to end.
    for process in psutil.wait_procs(started, timeout=1)[1]:
        process.kill()
    assert not psutil.wait_procs(started, timeout=5)[1]
"""


def test_two_workers_give_the_rows_of_the_command(saved_preset, fresh_process, tmp_path):
    images = save_images(tmp_path / "photos", COUNT)
    (images / "007.png").write_bytes(b"no image")
    (example,) = (
        block.text
        for block in blocks("keras_resblocks_plugin/prediction/README.md", "python")
        if "import ray" in block.text
    )
    assert "ActorPoolStrategy(size=2)" in example
    # The folder is the preset: a small one, and a few images to a batch.
    example = example.replace('"resblock_bn_small"', repr(str(saved_preset)))
    (tmp_path / "example.py").write_text(example.replace("batch_size=128", "batch_size=5"))
    fresh_process(RUN, tmp_path, RAY_USAGE_STATS_ENABLED="0")

    found = pq.read_table(tmp_path / "predictions").to_pylist()
    found.sort(key=lambda row: row["path"])
    expected = table_of(tmp_path / "out.parquet", saved_preset, images, top=5)
    names = [pathlib.Path(row["path"]).name for row in found]
    assert names == expected["path"]
    for name in ("class_name", "class_names", "error"):
        left = [row[name] and str(row[name]).partition(": cannot identify")[0] for row in found]
        right = [x and str(x).partition(": cannot identify")[0] for x in expected[name]]
        assert left == right, name
    for row, probability in enumerate(expected["probability"]):
        np.testing.assert_allclose(found[row]["probability"] or 0, probability or 0, rtol=1e-5)
        np.testing.assert_allclose(
            found[row]["probabilities"] or [], expected["probabilities"][row] or [], rtol=1e-5
        )
