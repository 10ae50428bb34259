"""The time and the memory that `from_preset` takes, and their parts."""

import subprocess
import sys
from pathlib import Path

from _architectures import LIBRARIES, save_presets

from keras_resblocks_plugin._utils._timing import alternate

_MEMORY_PROBE = """
import sys, keras_hub, keras_resblocks_plugin
def status(key):
    return next(int(x.split()[1]) for x in open("/proc/self/status") if x.startswith(key)) / 1024
keras_hub.layers.ImageConverter  # Triggers the lazy imports.
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
backbone = keras_hub.models.Backbone.from_preset(sys.argv[1])
print(status("VmHWM") - before)
"""

_IMPORT_PROBE = """
import time, keras_hub
start = time.perf_counter()
import keras_resblocks_plugin
print(time.perf_counter() - start)
"""


def import_seconds(runs: int) -> list[float]:
    """The seconds that this package adds to `import keras_hub`, each in a new process."""
    return [_probe(_IMPORT_PROBE) for _ in range(runs)]


def load(depth: int, folder: Path, runs: int) -> dict:
    """Times `from_preset` of both libraries alternately, and the parts of this package's.

    The parts are timed by themselves: reading the file's bytes, drawing the initial values that
    are thrown away, creating as many variables, and assigning arrays to all.
    """
    import keras
    import keras_hub

    presets = save_presets(depth, folder)
    file = Path(presets["krp"], "model.safetensors")
    backbone = keras_hub.models.Backbone.from_preset(presets["krp"])
    arrays = [keras.ops.convert_to_numpy(weight) for weight in backbone.weights]
    convolutions = [
        child
        for layer in backbone.layers
        for child in (layer, *vars(layer).values())
        if isinstance(child, keras.layers.Conv2D)
    ]

    def create():
        # Of one number each: what fills them is timed by itself.
        for _ in arrays:
            keras.Variable(initializer="zeros", shape=(), dtype="float32")

    def assign():
        for variable, array in zip(backbone.weights, arrays, strict=True):
            variable.assign(array)

    def draw():
        for layer in convolutions:
            layer.kernel_initializer(layer.kernel.shape, "float32")

    def from_preset(library):
        return lambda: keras_hub.models.Backbone.from_preset(presets[library])

    seconds = alternate(
        {
            **{library: from_preset(library) for library in LIBRARIES},
            "read": file.read_bytes,
            "draw": draw,
            "create": create,
            "assign": assign,
        },
        runs,
    )
    largest = max(array.nbytes for array in arrays)
    return {
        "seconds": seconds,
        "variables": len(arrays),
        "mebibytes": file.stat().st_size / 2**20,
        "largest_mebibytes": largest / 2**20,
        "peak_mebibytes": {
            library: _probe(_MEMORY_PROBE, preset) for library, preset in presets.items()
        },
    }


def _probe(code: str, *args: str) -> float:
    result = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True)
    if result.returncode:
        raise ValueError(f"A measuring process failed: {result.stderr.strip().splitlines()[-1]}")
    return float(result.stdout.strip().splitlines()[-1])
