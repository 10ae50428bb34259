"""The scripts that measure memory run in small."""

import json
import subprocess
import sys

import pytest

from tests.source import SCRIPTS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("stream_memory", {"seconds to prepare", "seconds to step 20", "anonymous MB"}),
        ("predict_memory", {"images_per_second", "peak_anonymous_memory_mb", "seconds"}),
    ],
)
def test_a_dataset_is_measured(name, figures):
    script = SCRIPTS / "study" / f"{name}.py"
    command = [sys.executable, script, "--rows", "2000"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (line,) = (json.loads(line) for line in lines.splitlines())
    assert line["rows"] == 2000
    assert all(line[figure] > 0 for figure in figures)
