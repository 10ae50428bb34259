"""The measured results of a detector, and a picture of them."""

import contextlib
import io
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin.training._curve import plt
from keras_resblocks_plugin.training._divergence import check_predictions, check_weights
from keras_resblocks_plugin.training.data._detection_data import BoxedImages

# What is shown; what is measured has far less confidence, too.
_SHOWN_CONFIDENCE = 0.3


def check_pycocotools() -> None:
    """Finds out before training whether there is what measures after it.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import pycocotools  # noqa: F401
    except ImportError:
        raise ImportError(
            "COCO's mean average precision needs `pycocotools`: pip install pycocotools"
        ) from None


def detect(model: keras.Model, images: BoxedImages, batch_size: int) -> list[dict]:
    """The boxes that a detector with its preprocessor sees in each raw image.

    Returns:
        For each image `boxes`, `labels` and `confidence`, the surest first.

    Raises:
        Diverged: If a weight or a prediction is not finite.
    """
    # Suppression drops boxes whose confidence is NaN, as if nothing had been seen.
    check_weights(model)
    found = []
    for start in range(0, images.images.count, batch_size):
        # On TensorFlow, KerasHub's suppression works for one size of batches alone.
        rows = np.arange(start, start + batch_size).clip(max=images.images.count - 1)
        raw = images.images.array[rows].astype("float32")
        seen = model.predict(raw, batch_size=batch_size, verbose=0)
        batch = {key: keras.ops.convert_to_numpy(value) for key, value in seen.items()}
        for key in ("boxes", "confidence"):
            check_predictions(batch[key])
        for i, count in enumerate(batch["num_detections"][: images.images.count - start]):
            found.append({k: batch[k][i, :count] for k in ("boxes", "labels", "confidence")})
    return found


def average_precision(detections: list[dict], images: BoxedImages) -> dict[str, float]:
    """COCO's mean average precision, and that at half an overlap, by `pycocotools`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, seen = [], []
    for image, (boxes, labels) in enumerate(zip(images.boxes, images.labels, strict=True), 1):
        for box, label in zip(boxes[labels >= 0], labels[labels >= 0], strict=True):
            truth.append({"id": len(truth) + 1, "iscrowd": 0, **_entry(image, box, label)})
    for image, found in enumerate(detections, 1):
        for box, label, score in zip(
            found["boxes"], found["labels"], found["confidence"], strict=True
        ):
            seen.append({"score": float(score), **_entry(image, box, label)})
    if not seen:
        return {"map": 0.0, "ap50": 0.0}
    # It prints tables as it works.
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": image + 1} for image in range(len(detections))],
            "annotations": truth,
            "categories": [{"id": label} for label in range(len(images.class_names))],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(seen), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {
        "map": round(float(evaluation.stats[0]), 4),
        "ap50": round(float(evaluation.stats[1]), 4),
    }


def draw_samples(detections: list[dict], images: BoxedImages, rows: np.ndarray, file: Path) -> None:
    """Draws images with the boxes that are there and those that were seen."""
    columns = min(4, len(rows))
    lines = -(-len(rows) // columns)
    figure, axes = plt.subplots(
        *(lines, columns), figsize=(2.6 * columns, 2.8 * lines), layout="constrained", squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for axis, row in zip(axes.flat, rows, strict=False):
        # A box is between the edges of pixels; by default a picture begins half a pixel before 0.
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
    plt.close(figure)


def _entry(image: int, box: np.ndarray, label: float) -> dict:
    left, top, right, bottom = map(float, box)
    width, height = right - left, bottom - top
    return {
        "image_id": image,
        "category_id": int(label),
        "bbox": [left, top, width, height],
        "area": width * height,
    }


def _draw_box(axis, box, color, text, side) -> None:
    left, top, right, bottom = box
    axis.add_patch(plt.Rectangle((left, top), right - left, bottom - top, fill=False, color=color))
    place = (left, top) if side == "top" else (left, bottom)
    axis.text(
        *place,
        text,
        fontsize=7,
        color="black",
        va=side,
        bbox={"facecolor": color, "alpha": 0.7, "pad": 1, "linewidth": 0},
    )
