"""Storage of a preset's weights in half precision, where that costs no accuracy."""

from collections.abc import Callable
from pathlib import Path

from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.saving._weights import stored_as

# Of accuracy, 0.1 points.
TOLERANCE = 0.001


def store_as_bfloat16(
    classifier: ResBlockImageClassifier,
    folder: Path,
    exact: dict[str, float],
    measure: Callable[[], dict[str, float]],
) -> dict[str, float] | None:
    """Saves a classifier in bfloat16 if no accuracy changes by more than 0.1 points.

    Args:
        classifier: The float32 classifier, with the preprocessor that is saved. Its backbone has
            the stored weights afterwards.
        folder: The preset.
        exact: The measured figures of the float32 weights.
        measure: Measures the model as it is.

    Returns:
        The measured figures of the rounded weights, or `None` if they are not stored.
    """
    backbone = classifier.backbone
    before = backbone.get_weights()
    backbone.set_weights([stored_as(weight, "bfloat16").astype("float32") for weight in before])
    rounded = measure()
    if any(abs(rounded[name] - exact[name]) > TOLERANCE + 1e-9 for name in exact):
        backbone.set_weights(before)
        return None
    classifier.save_to_preset(str(folder), dtype="bfloat16")
    return rounded
