"""Predictions of a detector."""

import keras
import numpy as np

from keras_resblocks_plugin.training._divergence import check_predictions, check_weights
from keras_resblocks_plugin.training.detection._data import BoxedImages


def detect(model: keras.Model, images: BoxedImages, batch_size: int) -> list[dict]:
    """Detects objects in each image.

    Args:
        model: A detector with its preprocessor.
        images: The images.
        batch_size: Images per step.

    Returns:
        For each image a dict of `boxes`, `labels` and `confidence`, by falling confidence.

    Raises:
        Diverged: If a weight or a prediction is not finite.
    """
    # Suppression silently drops boxes whose confidence is NaN.
    check_weights(model)
    detections = []
    for start in range(0, images.images.count, batch_size):
        # On TensorFlow, KerasHub's suppression works with one batch size only.
        rows = np.arange(start, start + batch_size).clip(max=images.images.count - 1)
        raw = images.images.array[rows].astype("float32")
        outputs = model.predict(raw, batch_size=batch_size, verbose=0)
        batch = {key: keras.ops.convert_to_numpy(value) for key, value in outputs.items()}
        for key in ("boxes", "confidence"):
            check_predictions(batch[key])
        for i, count in enumerate(batch["num_detections"][: images.images.count - start]):
            detections.append({k: batch[k][i, :count] for k in ("boxes", "labels", "confidence")})
    return detections
