"""A picture of images, their boxes and the detections of a detector."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_resblocks_plugin.training.detection._data import BoxedImages

# Detections with less confidence are measured but not drawn.
_SHOWN_CONFIDENCE = 0.3


def draw_samples(detections: list[dict], images: BoxedImages, rows: np.ndarray, file: Path) -> None:
    """Draws images with their boxes and the detected ones.

    Args:
        detections: The detections in each image, as `detect` returns them.
        images: The images.
        rows: The rows to draw.
        file: The PNG file to write.
    """
    columns = min(4, len(rows))
    lines = -(-len(rows) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.8 * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, row in zip(axes.flat, rows, strict=False):
        # Boxes are measured from the edges of pixels, and pictures from the centre of the first.
        height, width, _ = images.images.shape
        axis.imshow(images.images.array[row], extent=(0, width, height, 0))
        there = images.labels[row] >= 0
        for box, label in zip(images.boxes[row][there], images.labels[row][there], strict=True):
            _draw_box(axis, box, "lime", images.class_names[int(label)], "bottom")
        found = detections[row]
        for box, label, score in zip(
            found["boxes"], found["labels"], found["confidence"], strict=True
        ):
            if score >= _SHOWN_CONFIDENCE:
                name = f"{images.class_names[int(label)]} {score:.0%}"
                _draw_box(axis, box, "magenta", name, "top")
    figure.suptitle(f"green: truth, magenta: seen with {_SHOWN_CONFIDENCE:.0%} or more", fontsize=9)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=100, metadata={"Software": None})


def _draw_box(axis, box, color, text, side) -> None:
    left, top, right, bottom = box
    axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=color))
    place = (left, top) if side == "top" else (left, bottom)
    axis.text(
        *place,
        text,
        fontsize=7,
        color="black",
        va=side,
        bbox={"facecolor": color, "alpha": 0.7, "pad": 1, "linewidth": 0},
    )
