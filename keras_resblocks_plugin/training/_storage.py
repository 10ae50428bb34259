"""Storage of a preset's weights in half precision, where that costs no accuracy."""

from collections.abc import Callable
from pathlib import Path

import keras

from keras_resblocks_plugin.saving._preset_files import TASK_WEIGHTS_FILE
from keras_resblocks_plugin.saving._saving import saving_preset
from keras_resblocks_plugin.saving._weights import stored_as

# Of accuracy, 0.1 points.
TOLERANCE = 0.001


def store_as_bfloat16(
    backbone: keras.Model,
    folder: Path,
    exact: dict[str, float],
    measure: Callable[[], dict[str, float]],
) -> dict[str, float] | None:
    """Saves a backbone in bfloat16 if no accuracy changes by more than 0.1 points.

    Args:
        backbone: The float32 backbone that was saved. It has the stored weights afterwards.
        folder: The preset.
        exact: The measured figures of the float32 weights.
        measure: Measures the model as it is.

    Returns:
        The measured figures of the rounded weights, or `None` if they are not stored.
    """
    before = backbone.get_weights()
    backbone.set_weights([stored_as(weight, "bfloat16").astype("float32") for weight in before])
    rounded = measure()
    if any(abs(rounded[name] - exact[name]) > TOLERANCE + 1e-9 for name in exact):
        backbone.set_weights(before)
        return None
    with saving_preset(folder) as save:
        backbone.save_to_preset(str(save.path), dtype="bfloat16")
        if save.preset.has(TASK_WEIGHTS_FILE):
            # The head still belongs to this backbone.
            save.list_head()
    return rounded
