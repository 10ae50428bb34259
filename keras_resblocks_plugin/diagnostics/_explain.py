"""The picture of a prediction: what a classifier sees in an image, and where."""

from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.diagnostics._activation_maps import activation_maps
from keras_resblocks_plugin.diagnostics._callback import ResidualDiagnostics
from keras_resblocks_plugin.diagnostics._explanation_picture import draw_explanation
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier

# The side of the image in the picture, in pixels.
SHOWN = 320
MAPPED = 3


def explain(
    classifier: ResBlockImageClassifier, image: np.ndarray, out: str | Path
) -> list[tuple[str, float]]:
    """Draws the most likely classes of an image, where the evidence is, and the blocks.

    One picture: the image, the most likely classes, a class activation map for each of the first
    three, and for every block the norm of its residual branch relative to its shortcut.

    Args:
        classifier: A `krp.ResBlockImageClassifier` with a preprocessor and `pooling="avg"`.
        image: uint8 array of shape `(height, width, 3)`. Where the converter has no size, or one
            that is not square, the middle square of the image is used.
        out: str or Path. The PNG file to write.

    Returns:
        List of `(name, probability)` of the five most likely classes.

    Raises:
        ValueError: If the predictions are not finite, or the head does not average the features.
        ImportError: If matplotlib or Pillow is not installed.
    """
    require("training", "matplotlib", "PIL")
    converter = classifier.preprocessor.image_converter
    height, width = converter.image_size or (None, None)
    if height is None or height != width:
        # The maps are square.
        image = _middle_square(image)
    batch = image[None].astype("float32")
    logits = classifier.predict(batch, verbose=0)
    if not np.isfinite(logits).all():
        raise ValueError(
            "The model's predictions must be finite to be explained. Received: NaN or infinity. "
            "The weights are from a training that diverged, or the image has values that overflow."
        )
    (guesses,) = classifier.decode_predictions(logits, top=5)
    likeliest = np.argsort(-logits[0])[:MAPPED]
    pixels = keras.ops.convert_to_numpy(converter(batch))[0]
    maps = activation_maps(classifier, pixels, likeliest)
    blocks = ResidualDiagnostics.measure(classifier, batch)
    shown = _as_seen(converter, image)
    draw_explanation(Path(out), shown, guesses, maps, blocks["residual_ratio"])
    return guesses


def _middle_square(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def _as_seen(converter: keras.Layer, image: np.ndarray) -> np.ndarray:
    """The part of the image that the network sees, in more pixels."""
    changes = {"image_size": (SHOWN, SHOWN), "scale": None, "offset": None}
    resize = type(converter).from_config({**converter.get_config(), **changes})
    shown = keras.ops.convert_to_numpy(resize(image.astype("float32")))
    # Bicubic resizing leaves the range of pixels.
    return np.clip(np.round(shown), 0, 255).astype("uint8")
