"""The precision in which a preset's weights are stored."""

from collections.abc import Callable
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
from safetensors.numpy import load_file

from keras_resblocks_plugin._utils._replace import replacing
from keras_resblocks_plugin.saving._preset_files import WEIGHTS_FILE
from keras_resblocks_plugin.saving._preset_folder import TASK_WEIGHTS_FILE, list_head
from keras_resblocks_plugin.saving._weights import write_weights

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
    with replacing(folder) as staged:
        tensors = load_file(staged / WEIGHTS_FILE)
        write_weights({path: _rounded(tensor) for path, tensor in tensors.items()}, staged)
        if (staged / TASK_WEIGHTS_FILE).exists():
            # The head says which weights it was saved with.
            list_head(staged)
    return rounded


def _rounded(weight: np.ndarray) -> np.ndarray:
    return weight.astype(ml_dtypes.bfloat16) if weight.ndim > 1 else weight
