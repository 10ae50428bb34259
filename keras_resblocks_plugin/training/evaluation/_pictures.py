"""The pictures of an evaluation: confusion matrix and reliability diagram."""

from pathlib import Path
from typing import Any

import numpy as np

# The most classes whose names, and whose numbers of images, fit into the picture.
NAMED, NUMBERED = 60, 20
_BLUE, _RED = "#3d6ea5", "#c0504d"


def draw_confusion(matrix: np.ndarray, class_names: list[str], file: Path) -> None:
    """Draws which classes the images of each class are taken for.

    Args:
        matrix: The number of images by true and predicted class.
        class_names: The classes. Up to 60 are named in the picture.
        file: The PNG file to write.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    count = len(class_names)
    side = float(np.clip(2.5 + 0.28 * count, 5, 12))
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # By its square root, so that a confusion of a few percent is seen. Pixels are averaged before
    # they become colours where there are more classes than pixels.
    shown = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation_stage="data")
    figure.colorbar(shown, ax=axes, shrink=0.8, label="share of the images of the true class")
    axes.set(xlabel="predicted class", ylabel="true class")
    if count <= NAMED:
        axes.set_xticks(range(count), class_names, rotation=90, parse_math=False)
        axes.set_yticks(range(count), class_names, parse_math=False)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
    if count <= NUMBERED:
        for true, predicted in zip(*np.nonzero(matrix), strict=True):
            colour = "white" if shares[true, predicted] > 0.4 else "black"
            number = str(matrix[true, predicted])
            axes.text(predicted, true, number, color=colour, ha="center", va="center", fontsize=8)
    figure.savefig(file, dpi=100, metadata={"Software": None})


def draw_reliability(bins: list[dict[str, Any]], error: float, file: Path) -> None:
    """Draws the accuracy of each bin of confidence, and its number of images below.

    Args:
        bins: The bins of `calibration()`.
        error: The expected calibration error.
        file: The PNG file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    filled = [each for each in bins if each["images"]]
    lefts = [each["from"] for each in filled]
    widths = [each["to"] - each["from"] for each in filled]
    style = {"align": "edge", "edgecolor": "white"}
    above.bar(
        lefts, [x["accuracy"] for x in filled], widths, color=_BLUE, label="accuracy", **style
    )
    confidences = [each["confidence"] for each in filled]
    above.plot(
        confidences, [x["accuracy"] for x in filled], "o", color=_RED, label="mean confidence"
    )
    above.plot([0, 1], [0, 1], ":", color="black", lw=0.8, label="calibrated")
    above.set(title=f"expected calibration error {error:.3f}", ylabel="accuracy", ylim=(0, 1))
    above.legend(loc="upper left")
    below.bar(lefts, [each["images"] for each in filled], widths, color=_BLUE, **style)
    below.set(xlabel="confidence", ylabel="images", xlim=(0, 1))
    figure.savefig(file, dpi=100, metadata={"Software": None})
