"""The precision in which a preset's weights are stored."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
from _jsonfile import write_json
from safetensors.numpy import load_file, save_file

# Of accuracy, 0.1 points.
TOLERANCE = 0.001


def store_as_bfloat16(
    backbone: keras.Model,
    folder: Path,
    exact: dict[str, float],
    measure: Callable[[], dict[str, float]],
) -> dict[str, float] | None:
    """Halves the backbone's file of a saved preset, if no accuracy moves by more than 0.1 points.

    Kernels alone are rounded. Vectors, such as batch norm's statistics, are little of the size, and
    an error in one of their numbers is an error in a whole channel.

    Args:
        backbone: The float32 backbone that was saved. It has what is stored when this returns.
        folder: The preset.
        exact: What the model measures with float32 weights.
        measure: Measures the model as it is.

    Returns:
        What the model measures with the rounded weights, or `None` where they are not stored.
    """
    before = backbone.get_weights()
    backbone.set_weights([_rounded(weight).astype("float32") for weight in before])
    rounded = measure()
    if any(abs(rounded[name] - exact[name]) > TOLERANCE + 1e-9 for name in exact):
        backbone.set_weights(before)
        return None
    index = folder / "model.weights.json"
    content = json.loads(index.read_text())
    for name in set(content["weight_map"].values()):
        tensors = {key: _rounded(value) for key, value in load_file(folder / name).items()}
        partial = folder / f"{name}.partial"
        save_file(tensors, partial, metadata={"format": "keras"})
        partial.chmod((folder / name).stat().st_mode)
        partial.replace(folder / name)
        content["metadata"]["total_size"] = sum(tensor.nbytes for tensor in tensors.values())
    write_json(index, content)
    return rounded


def _rounded(weight: np.ndarray) -> np.ndarray:
    return weight.astype(ml_dtypes.bfloat16) if weight.ndim > 1 else weight
