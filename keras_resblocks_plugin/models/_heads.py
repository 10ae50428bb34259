"""Losses, metrics and probabilities for the head of a classifier."""

from typing import Any

import keras
import numpy as np
from keras import losses

_KINDS = {
    "sparse": (losses.SparseCategoricalCrossentropy, losses.sparse_categorical_crossentropy),
    "categorical": (
        losses.CategoricalCrossentropy,
        losses.CategoricalFocalCrossentropy,
        losses.categorical_crossentropy,
        losses.categorical_focal_crossentropy,
    ),
    "binary": (
        losses.BinaryCrossentropy,
        losses.BinaryFocalCrossentropy,
        losses.binary_crossentropy,
        losses.binary_focal_crossentropy,
    ),
    "regression": (
        losses.MeanSquaredError,
        losses.MeanAbsoluteError,
        losses.MeanAbsolutePercentageError,
        losses.MeanSquaredLogarithmicError,
        losses.Huber,
        losses.LogCosh,
        losses.Poisson,
        losses.CosineSimilarity,
        losses.Hinge,
        losses.SquaredHinge,
        losses.CategoricalHinge,
        losses.mean_squared_error,
        losses.mean_absolute_error,
        losses.mean_absolute_percentage_error,
        losses.mean_squared_logarithmic_error,
        losses.huber,
        losses.log_cosh,
        losses.poisson,
        losses.cosine_similarity,
        losses.hinge,
        losses.squared_hinge,
        losses.categorical_hinge,
    ),
}


def loss_kind(loss: Any) -> str | None:
    """`"sparse"`, `"categorical"`, `"binary"`, `"regression"`, or `None` for other losses."""
    flat = keras.tree.flatten(loss)
    loss = flat[0] if len(flat) == 1 else None
    loss = losses.get(loss) if isinstance(loss, str) else loss
    for kind, members in _KINDS.items():
        for member in members:
            if isinstance(loss, member) if isinstance(member, type) else loss is member:
                return kind
    return None


def check_head_activation(num_classes: int, activation: Any) -> None:
    """Refuses a softmax over one unit, which is always 1."""
    if num_classes == 1 and keras.activations.get(activation) is keras.activations.softmax:
        raise ValueError(
            "`activation` must be None or 'sigmoid' where the head has one unit, of which a "
            "softmax is always 1. Received: activation='softmax', num_classes=1"
        )


def default_loss(head: keras.layers.Dense) -> keras.losses.Loss | None:
    """The cross-entropy for the activation of a head, or `None` if it has none."""
    logits = head.activation is keras.activations.linear
    if head.activation is keras.activations.sigmoid or (head.units == 1 and logits):
        return losses.BinaryCrossentropy(from_logits=logits)
    if head.activation is keras.activations.softmax or logits:
        return losses.SparseCategoricalCrossentropy(from_logits=logits)
    return None


def default_metrics(head: keras.layers.Dense, loss: Any) -> list[keras.metrics.Metric]:
    """The accuracy for a loss. Empty if the loss is not a cross-entropy."""
    kind = loss_kind(loss)
    if kind == "binary":
        logits = head.activation is keras.activations.linear
        return [keras.metrics.BinaryAccuracy(threshold=0.0 if logits else 0.5)]
    if kind == "categorical":
        return [keras.metrics.CategoricalAccuracy()]
    return [keras.metrics.SparseCategoricalAccuracy()] if kind == "sparse" else []


def probabilities(predictions: np.ndarray, head: keras.layers.Dense, loss: Any) -> np.ndarray:
    """The probabilities of predictions, by the activation of the head.

    Raises:
        ValueError: If predictions are not finite, or cannot be probabilities.
    """
    rows = np.flatnonzero(~np.isfinite(predictions).all(axis=1))
    if len(rows):
        raise ValueError(
            "`predictions` must be finite; the training may have diverged, or the images hold "
            f"values that are not finite. Received: {predictions[rows[0]]} in row {rows[0]}, and "
            f"{len(rows)} such rows in all"
        )
    if head.activation is not keras.activations.linear:
        if predictions.min(initial=0) < 0 or predictions.max(initial=0) > 1:
            raise ValueError(
                "`predictions` must be probabilities, as a head gives them whose activation is "
                f"softmax or sigmoid. Received: values from {predictions.min()} to "
                f"{predictions.max()}, of a head with "
                f"activation={keras.activations.serialize(head.activation)!r}"
            )
        return predictions
    kind = loss_kind(loss)
    if kind == "regression" or (kind == "binary" and head.units > 1):
        raise ValueError(
            "`predictions` must be logits of classes that exclude each other. This classifier is "
            "compiled for regression, whose predictions are the values, or for several labels at "
            "once, which need a head with `activation='sigmoid'`. "
            f"Received: predictions of a head with activation=None and loss={loss!r}"
        )
    squash = keras.ops.sigmoid if head.units == 1 else keras.ops.softmax
    return keras.ops.convert_to_numpy(squash(predictions))
