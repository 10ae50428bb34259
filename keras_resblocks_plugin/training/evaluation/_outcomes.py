"""The predicted class of each image, and the confidence in it."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """The predictions for the images of a split.

    Args:
        class_names: The compared classes.
        labels: The index of each image's class, of shape `(count,)`.
        predicted: The index of each image's likeliest class. Where the image's own class ties
            with another, it is the other, as in the accuracy.
        confidence: The probability of the predicted class.
    """

    class_names: list[str]
    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """Whether each prediction is the image's class."""
        return self.predicted == self.labels


def outcomes_of(
    predictions: np.ndarray,
    labels: np.ndarray,
    class_names: list[str],
    activation: Callable = keras.activations.linear,
) -> Outcomes:
    """Finds the predicted class of each image, and its probability.

    Args:
        predictions: Outputs of the compared classes, of shape `(count, classes)`, all finite.
        labels: The index of each image's class, of shape `(count,)`.
        class_names: The compared classes.
        activation: The activation of the head that the outputs are from. With a sigmoid, each
            class has its own probability; otherwise these are the softmax over the compared
            classes alone.
    """
    images = np.arange(len(labels))
    others = predictions.copy()
    others[images, labels] = -np.inf
    other = others.argmax(axis=1)
    correct = predictions[images, labels] > others[images, other]
    predicted = np.where(correct, labels, other)
    of_predicted = predictions[images, predicted]
    if activation is not keras.activations.sigmoid:
        of_predicted = 1 / _sums_of_exponentials(predictions, of_predicted, activation)
    return Outcomes(class_names, labels, predicted, np.clip(of_predicted, 0, 1))


def _sums_of_exponentials(
    predictions: np.ndarray, of_predicted: np.ndarray, activation: Callable
) -> np.ndarray:
    """The denominators of the softmax, where the numerator of the predicted class is 1."""
    if activation is keras.activations.softmax:
        # The compared classes may all be so unlikely that their probabilities are zero.
        smallest = np.finfo("float32").tiny
        predictions, of_predicted = (
            np.log(np.maximum(x, smallest)) for x in (predictions, of_predicted)
        )
    return np.exp(predictions - of_predicted[:, None]).sum(axis=1, dtype="float64")
