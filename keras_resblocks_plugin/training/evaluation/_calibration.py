"""The expected calibration error, and the bins of the reliability diagram."""

from typing import Any

import numpy as np

# As in the paper.
BINS = 15


def calibration(confidence: np.ndarray, correct: np.ndarray) -> dict[str, Any]:
    """Compares confidence with accuracy, in bins of equal width.

    The expected calibration error is the mean over all images of the difference between the
    accuracy and the mean confidence of their bin (Guo et al., 2017,
    https://arxiv.org/abs/1706.04599, equation 3, with 15 bins).

    Args:
        confidence: The probability of the predicted class of each image.
        correct: Whether that is the image's class.

    Returns:
        The `"ece"`, and of each of the `"bins"` its limits, the number of images, and their mean
        confidence and accuracy, which are `None` in an empty bin.
    """
    from sklearn.calibration import calibration_curve

    edges = np.linspace(0, 1, BINS + 1)
    # A bin includes its upper limit, here and in the curve, which leaves out empty bins.
    counts = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=BINS)
    means = np.full((2, BINS), np.nan)
    means[:, counts > 0] = calibration_curve(correct, confidence, n_bins=BINS, pos_label=True)
    error = np.nansum(counts * np.abs(means[0] - means[1])) / counts.sum()
    bins = [
        {
            "from": round(edges[index], 4),
            "to": round(edges[index + 1], 4),
            "images": int(counts[index]),
            "confidence": _rounded(means[1, index]),
            "accuracy": _rounded(means[0, index]),
        }
        for index in range(BINS)
    ]
    return {"ece": _rounded(error), "bins": bins}


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
