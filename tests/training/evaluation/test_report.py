"""`evaluation.json`, as `golden/evaluation.json` has it, and its pictures."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix

from keras_resblocks_plugin.training.evaluation._outcomes import Outcomes
from keras_resblocks_plugin.training.evaluation._pictures import draw_confusion, draw_reliability
from keras_resblocks_plugin.training.evaluation._report import PAIRS, dense, describe

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "evaluation.json"


def made() -> Outcomes:
    """Four classes; the owl has no images, and the fox is never recognized."""
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 0])
    predicted = np.array([0, 0, 1, 0, 1, 0, 1, 1, 3, 0])
    confidence = np.array([0.9, 0.95, 0.41, 0.55, 1.0, 0.59, 0.81, 0.7, 0.3, 0.85])
    return Outcomes(["cat", "dog", "fox", "owl"], labels, predicted, confidence)


def made_of(classes: int, count: int = 3000) -> Outcomes:
    """Random predictions, half of them right."""
    rng = np.random.default_rng(0)
    labels, others = rng.integers(0, classes, (2, count))
    predicted = np.where(rng.random(count) < 0.5, labels, others)
    names = [f"class $_{index}" for index in range(classes)]
    return Outcomes(names, labels, predicted, rng.uniform(1 / classes, 1, count))


def test_golden():
    assert json.loads(json.dumps(describe(made()))) == json.loads(GOLDEN.read_text())


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
@pytest.mark.parametrize("classes", [1, 5, 1000])
def test_a_report_of_any_number_of_classes_and_its_pictures(classes, tmp_path):
    outcomes = made_of(classes)
    report = describe(outcomes)
    expected = confusion_matrix(outcomes.labels, outcomes.predicted, labels=range(classes))
    matrix = dense(report["confusion_matrix"], classes)
    np.testing.assert_array_equal(matrix, expected)
    for index, each in enumerate(report["per_class"]):
        of_class = outcomes.labels == index
        assert each["images"] == of_class.sum()
        if of_class.any():
            expected = outcomes.correct[of_class].mean()
            assert each["accuracy"] == pytest.approx(expected, abs=1e-4)
    pairs = report["most_confused"]
    assert len(pairs) == min(PAIRS, classes * (classes - 1))
    counts = [pair["images"] for pair in pairs]
    assert counts == sorted(counts, reverse=True)
    draw_confusion(matrix, outcomes.class_names, tmp_path / "matrix.png")
    draw_reliability(report["calibration_bins"], report["ece"], tmp_path / "reliability.png")
    for name in ("matrix.png", "reliability.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 400
            assert len(image.convert("RGB").getcolors(1 << 24)) > 50


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(describe(made()), indent=1) + "\n")
