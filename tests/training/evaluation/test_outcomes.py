"""Predicted classes, confidence and calibration of made predictions."""

import keras
import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from keras_resblocks_plugin.training._accuracy import accuracies
from keras_resblocks_plugin.training.evaluation._calibration import BINS, calibration
from keras_resblocks_plugin.training.evaluation._outcomes import outcomes_of

NAMES = ["cat", "dog", "fox", "owl"]


def made(count: int = 400):
    """Logits that are right about half of the time, and labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(NAMES), count)
    logits = rng.normal(size=(count, len(NAMES)))
    logits[np.arange(count), labels] += 1
    return logits.astype("float32"), labels


def softmax(logits):
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def test_the_likeliest_class_and_its_probability():
    logits, labels = made()
    outcomes = outcomes_of(logits, labels, NAMES)
    np.testing.assert_array_equal(outcomes.predicted, logits.argmax(axis=1))
    np.testing.assert_allclose(outcomes.confidence, softmax(logits).max(axis=1), rtol=1e-5)
    top1 = top_k_accuracy_score(labels, logits, k=1)
    assert outcomes.correct.mean() == pytest.approx(top1)
    assert accuracies(logits, labels)["top1"] == pytest.approx(top1, abs=1e-4)


@pytest.mark.parametrize("kept", [[0, 2], [3]])
def test_probabilities_of_a_softmax_are_those_of_its_logits(kept):
    logits, labels = made()
    labels, names = labels % len(kept), [NAMES[index] for index in kept]
    expected = outcomes_of(logits[:, kept], labels, names)
    probabilities = softmax(logits)[:, kept]
    outcomes = outcomes_of(probabilities, labels, names, keras.activations.softmax)
    np.testing.assert_allclose(outcomes.confidence, expected.confidence, rtol=1e-4)
    # All of them impossible: no division by zero.
    nothing = outcomes_of(0 * probabilities, labels, names, keras.activations.softmax)
    np.testing.assert_allclose(nothing.confidence, 1 / len(kept))


def test_probabilities_of_a_sigmoid_are_its_own():
    probabilities = np.array([[0.9, 0.8], [0.2, 0.1]], "float32")
    outcomes = outcomes_of(probabilities, np.array([0, 1]), NAMES[:2], keras.activations.sigmoid)
    np.testing.assert_allclose(outcomes.confidence, [0.9, 0.2])


def test_a_tie_with_another_class_is_wrong_as_in_the_accuracy():
    logits = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [2, 1, 1, 0]], "float32")
    labels = np.array([0, 2, 0])
    outcomes = outcomes_of(logits, labels, NAMES)
    assert outcomes.predicted.tolist() == [1, 1, 0]
    assert accuracies(logits, labels)["top1"] == pytest.approx(outcomes.correct.mean(), abs=1e-4)


def test_the_calibration_error_is_that_of_the_paper():
    logits, labels = made()
    outcomes = outcomes_of(logits, labels, NAMES)
    result = calibration(outcomes.confidence, outcomes.correct)
    # Equation 3, bin by bin.
    expected, total = 0.0, len(labels)
    for index in range(BINS):
        low, high = index / BINS, (index + 1) / BINS
        inside = (outcomes.confidence > low) & (outcomes.confidence <= high)
        assert result["bins"][index]["images"] == inside.sum()
        if not inside.any():
            assert result["bins"][index]["accuracy"] is None
            continue
        accuracy, mean = outcomes.correct[inside].mean(), outcomes.confidence[inside].mean()
        assert result["bins"][index]["accuracy"] == pytest.approx(accuracy, abs=1e-4)
        assert result["bins"][index]["confidence"] == pytest.approx(mean, abs=1e-4)
        expected += inside.sum() / total * abs(accuracy - mean)
    assert result["ece"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("confidence", "correct", "error"),
    [([1.0, 1.0], [True, True], 0), ([1.0], [False], 1), ([0.7, 0.7], [True, False], 0.2)],
)
def test_the_calibration_error_of_few_images(confidence, correct, error):
    result = calibration(np.array(confidence), np.array(correct))
    assert result["ece"] == pytest.approx(error, abs=1e-4)
