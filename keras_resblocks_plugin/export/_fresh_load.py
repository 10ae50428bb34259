"""The time to load a preset and to predict for the first time, in new processes."""

import json
import os
import subprocess
import sys

import keras

from keras_resblocks_plugin._utils._timing import median_and_range

_PROBE = """
import json, sys, time
import keras_hub, numpy
import keras_resblocks_plugin as krp
keras_hub.layers.ImageConverter  # Triggers the lazy imports.
folder, size, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
image = numpy.zeros((1, size, size, 3), "float32")
start = time.perf_counter()
classifier = krp.ResBlockImageClassifier.from_preset(folder, **options)
loaded = time.perf_counter()
classifier.predict(image, verbose=0)
print(json.dumps([loaded - start, time.perf_counter() - loaded]))
"""


def load_and_predict(
    folder: str, image_size: int, dtype: str | None, runs: int
) -> dict[str, dict[str, float]]:
    """Times `from_preset()`, and the first `predict()` of one raw image, which compiles.

    Args:
        folder: The folder of the preset.
        image_size: The side of the image, in pixels.
        dtype: The precision, or `None` for the preset's.
        runs: The number of processes, one after another.

    Returns:
        `load_seconds` and `first_prediction_seconds`, each a median with the least and the most.

    Raises:
        ValueError: If a process fails.
    """
    options = json.dumps({} if dtype is None else {"dtype": dtype})
    measured = [_probe(folder, str(image_size), options) for _ in range(runs)]
    names = "load_seconds", "first_prediction_seconds"
    return {
        name: median_and_range(list(values))
        for name, values in zip(names, zip(*measured, strict=True), strict=True)
    }


def _probe(*args: str) -> list[float]:
    process = subprocess.run(
        [sys.executable, "-c", _PROBE, *args],
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
        capture_output=True,
        text=True,
    )
    if process.returncode:
        reason = process.stderr.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise ValueError(f"A process that loads the preset failed: {reason[0]}")
    return json.loads(process.stdout.splitlines()[-1])
