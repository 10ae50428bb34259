"""The metrics of a detector: COCO's average precisions."""

import contextlib
import io

import numpy as np

from keras_resblocks_plugin.training.detection._data import BoxedImages


def average_precision(detections: list[dict], images: BoxedImages) -> dict[str, float]:
    """Computes COCO's mean average precision and the one at an overlap of 0.5.

    Args:
        detections: The detections in each image, as `detect` returns them.
        images: The images with their boxes.

    Returns:
        The values of `"map"` and `"ap50"`.
    """
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
    # pycocotools prints tables.
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


def _entry(image: int, box: np.ndarray, label: float) -> dict:
    left, top, right, bottom = map(float, box)
    width, height = right - left, bottom - top
    return {
        "image_id": image,
        "category_id": int(label),
        "bbox": [left, top, width, height],
        "area": width * height,
    }
