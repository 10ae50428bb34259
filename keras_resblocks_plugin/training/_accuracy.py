"""Top-1 and top-5 accuracy of a classifier."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin.training._divergence import check_predictions


def measure(model: keras.Model, batches: Iterable[tuple[Any, Any]]) -> dict[str, float]:
    """Measures a classifier on evaluation batches.

    Args:
        model: The classifier, without its preprocessor.
        batches: What `evaluation_batches()` returns.

    Returns:
        The accuracies `"top1"` and `"top5"`.

    Raises:
        Diverged: If a prediction is not finite.
    """
    from keras_resblocks_plugin.training.data._batches import own_errors
    from keras_resblocks_plugin.training.data._input import split_labels

    images, labels = split_labels(batches)
    with own_errors(batches):
        predictions = model.predict(images, steps=len(images), verbose=0)
    return accuracies(keras.ops.convert_to_numpy(predictions), labels)


def accuracies(predictions: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Computes accuracies; an image counts only if its rank does not depend on how ties break.

    Args:
        predictions: Logits or probabilities of shape `(count, classes)`.
        labels: The index of each image's class, of shape `(count,)`.

    Returns:
        The accuracies `"top1"` and `"top5"`.

    Raises:
        Diverged: If a prediction is not finite.
    """
    check_predictions(predictions)
    of_truth = np.take_along_axis(predictions, labels[:, None], axis=1)
    rank = (predictions >= of_truth).sum(axis=1)
    return {f"top{k}": round(float(np.mean(rank <= k)), 4) for k in (1, 5)}
