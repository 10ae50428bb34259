"""The losses of recipes, on one-hot and on mixed labels."""

from typing import Any

import keras
from keras import ops

from keras_resblocks_plugin._utils._registration import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class BinaryCrossEntropy(keras.losses.Loss):
    """Binary cross-entropy of each class, as `timm.loss.BinaryCrossEntropy` computes it.

    Keras' own smooths labels towards a half; in classification they are smoothed towards the
    uniform distribution.

    Args:
        label_smoothing: float in `[0, 1)`. Defaults to `0.0`.
        target_threshold: float. Labels above it are 1 and all others 0, so that each class in
            a mixed image counts in full. `0.0` keeps labels as they are. Defaults to `0.0`.
        **kwargs: Arguments of `keras.losses.Loss`.
    """

    def __init__(self, label_smoothing: float = 0.0, target_threshold: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.label_smoothing = label_smoothing
        self.target_threshold = target_threshold

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss of each image.

        Args:
            y_true: The labels, of shape `(batch, classes)`.
            y_pred: The logits, of the same shape.
        """
        y_pred = ops.convert_to_tensor(y_pred)
        labels = ops.cast(y_true, y_pred.dtype)
        if self.label_smoothing:
            uniform = 1 / y_pred.shape[-1]
            labels = labels * (1 - self.label_smoothing) + self.label_smoothing * uniform
        if self.target_threshold:
            labels = ops.cast(labels > self.target_threshold, y_pred.dtype)
        return keras.losses.binary_crossentropy(labels, y_pred, from_logits=True)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the loss."""
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "target_threshold": self.target_threshold,
        }
