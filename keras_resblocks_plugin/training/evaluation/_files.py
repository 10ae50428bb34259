"""The files of an evaluation."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_resblocks_plugin._utils._jsonfile import write_json
from keras_resblocks_plugin.training.data._labelled_images import Split
from keras_resblocks_plugin.training.evaluation._outcomes import Outcomes
from keras_resblocks_plugin.training.evaluation._pictures import draw_confusion, draw_reliability
from keras_resblocks_plugin.training.evaluation._report import dense
from keras_resblocks_plugin.training.evaluation._worst_images import write_page


def write_files(
    folder: Path, report: dict[str, Any], outcomes: Outcomes, split: Split, rows: np.ndarray
) -> None:
    """Writes the report, its pictures, and the page of the worst images.

    Args:
        folder: The folder to write to. Files of the same names are replaced.
        report: The contents of `evaluation.json`.
        outcomes: The predictions.
        split: The split, with the images.
        rows: The row of each prediction in the split.
    """
    folder.mkdir(parents=True, exist_ok=True)
    matrix = dense(report["confusion_matrix"], report["classes"])
    draw_confusion(matrix, outcomes.class_names, folder / "confusion_matrix.png")
    draw_reliability(report["calibration_bins"], report["ece"], folder / "reliability.png")
    titles = {key: report[key] for key in ("preset", "data", "split")}
    write_page(
        folder / "worst_images.html",
        outcomes,
        rows,
        lambda row: split.dataset[row][split.image_column],
        **titles,
    )
    write_json(folder / "evaluation.json", report)
