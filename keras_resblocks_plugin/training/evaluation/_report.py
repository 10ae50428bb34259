"""The contents of `evaluation.json`: accuracy by class, confusion and calibration."""

import warnings
from typing import Any

import numpy as np

from keras_resblocks_plugin.training.evaluation._calibration import calibration
from keras_resblocks_plugin.training.evaluation._outcomes import Outcomes

# The most frequent confusions that are listed.
PAIRS = 20


def describe(outcomes: Outcomes) -> dict[str, Any]:
    """Describes the predictions for a split.

    Args:
        outcomes: `Outcomes`. The predictions.

    Returns:
        A dict for JSON: `"ece"` and the `"calibration_bins"`; `"per_class"`, a list in the order
        of the classes; `"confusion_matrix"`, the numbers of images that are not zero, with the
        indices of their true and predicted classes; and `"most_confused"`, pairs of classes.
    """
    from sklearn.metrics import confusion_matrix

    names, classes = outcomes.class_names, np.arange(len(outcomes.class_names))
    with warnings.catch_warnings():
        # There may be one class, which is not a mistake.
        warnings.filterwarnings("ignore", "A single label was found")
        matrix = confusion_matrix(outcomes.labels, outcomes.predicted, labels=classes)
        per_class = _per_class(outcomes, matrix)
    calibrated = calibration(outcomes.confidence, outcomes.correct)
    true, predicted = np.nonzero(matrix)
    return {
        "ece": calibrated["ece"],
        "per_class": per_class,
        "most_confused": _most_confused(names, matrix),
        "calibration_bins": calibrated["bins"],
        "confusion_matrix": {
            "true": true.tolist(),
            "predicted": predicted.tolist(),
            "images": matrix[true, predicted].tolist(),
        },
    }


def dense(confusion: dict[str, list[int]], classes: int) -> np.ndarray:
    """The whole confusion matrix, from the numbers of a report that are not zero."""
    matrix = np.zeros((classes, classes), "int64")
    matrix[confusion["true"], confusion["predicted"]] = confusion["images"]
    return matrix


def _per_class(outcomes: Outcomes, matrix: np.ndarray) -> list[dict[str, Any]]:
    from sklearn.metrics import recall_score

    accuracies = recall_score(
        outcomes.labels,
        outcomes.predicted,
        labels=np.arange(len(matrix)),
        average=None,
        zero_division=np.nan,
    )
    rows = zip(outcomes.class_names, matrix.sum(axis=1).tolist(), accuracies, strict=True)
    return [
        {"name": name, "images": count, "accuracy": round(float(accuracy), 4) if count else None}
        for name, count, accuracy in rows
    ]


def _most_confused(names: list[str], matrix: np.ndarray) -> list[dict[str, Any]]:
    counts, wrong = matrix.sum(axis=1), matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    return [
        {
            "true": names[true],
            "predicted": names[predicted],
            "images": int(wrong[true, predicted]),
            "share": round(float(wrong[true, predicted] / counts[true]), 4),
        }
        for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[true, predicted]
    ]
