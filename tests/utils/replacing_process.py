"""A process that replaces a folder or file without end, and is killed."""

import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]
FILES = [f"file{i}" for i in range(6)]

# Only the modules under test are imported: a child that starts fast is killed more often.
_CODE = """
import itertools, os, sys, types
package = sys.modules["keras_resblocks_plugin"] = types.ModuleType("keras_resblocks_plugin")
package.__path__ = [os.path.join(os.environ["PYTHONPATH"], "keras_resblocks_plugin")]
from keras_resblocks_plugin._utils._replace import replacing, replacing_file

def write(path, letter):
    for file in [path / name for name in sys.argv[2:]] or [path]:
        file.write_text(letter * 100_000)

for i, letter in enumerate(itertools.cycle("AB")):
    with REPLACING(sys.argv[1]) as path:
        write(path, letter)
    if i == 0:
        print("ready", flush=True)
"""
# `start(REPLACE_FOREVER, folder, *names)` and `start(REPLACE_FILE_FOREVER, file)`.
REPLACE_FOREVER = _CODE.replace("REPLACING", "replacing")
REPLACE_FILE_FOREVER = _CODE.replace("REPLACING", "replacing_file")
STATES = ("A" * 100_000, "B" * 100_000)


def start(code, *args):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def wait(process):
    """Waits until a process says that it has replaced its folder or file once."""
    assert process.stdout.readline() == "ready\n"


def kill(process, delay=0.0):
    """Kills a process, which must still be running, some seconds later."""
    with process:
        time.sleep(delay)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
