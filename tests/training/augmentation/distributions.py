"""Comparison of drawn values."""

import numpy as np


def assert_same_distribution(values, others):
    """Compares two samples by the Kolmogorov–Smirnov test, at a level of about 0.1%."""
    values, others = np.sort(np.ravel(values)), np.sort(np.ravel(others))
    points = np.concatenate([values, others])
    shares = [np.searchsorted(x, points, side="right") / len(x) for x in (values, others)]
    distance = np.abs(shares[0] - shares[1]).max()
    assert distance < 2 * np.sqrt(1 / len(values) + 1 / len(others)), distance
