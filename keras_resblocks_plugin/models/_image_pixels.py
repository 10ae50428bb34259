"""Conversion of predicted boxes and masks to the pixels of the original images."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_resblocks_plugin.models._batches import to_array
from keras_resblocks_plugin.models._resize_then_crop import ResizeThenCrop, crop_start

# Rows of a mask to compute at a time: the scores of a whole photo would need too much memory.
_ROWS = 64


class _Axis(NamedTuple):
    """One side of an image: pixel `p` of the network's input is pixel `start + p * step` of it."""

    start: float
    step: float
    seen: int
    size: int


def boxes_to_image_pixels(
    task: keras.Model, predictions: Mapping[str, Any], images: Any
) -> dict[str, np.ndarray]:
    """Converts the boxes of a detector to pixels of the original images.

    `predict()` of KerasHub's detectors returns boxes in pixels of the size to which the
    preprocessor resizes. This undoes its resizing, padding and cropping.

    Args:
        task: A KerasHub object detector, with the preprocessor that it predicted with.
        predictions: dict. The output of `task.predict(images)`.
        images: Array or list. The images given to `predict()`, a batch or a list of several
            sizes, or a list of their sizes, `(height, width)`.

    Returns:
        `predictions` as NumPy arrays, with converted `boxes`, in the same format and clipped to
        the image. Rows from `num_detections` on, which are padding, are unchanged.

    Raises:
        ValueError: If the number of predictions is not the number of images.

    Example:

    ```python
    detector = keras_hub.models.ObjectDetector.from_preset("runs/detection/preset")
    found = krp.boxes_to_image_pixels(detector, detector.predict(images), images)
    found["boxes"][0][: found["num_detections"][0]]
    ```
    """
    predictions = {key: to_array(value) for key, value in predictions.items()}
    converter = _converter(task)
    sizes = _sizes(images, converter, len(predictions["boxes"]))
    form = task.bounding_box_format
    boxes = predictions["boxes"].astype("float32")
    for row, size in enumerate(sizes):
        axes = _axes(converter, size)
        count = int(predictions["num_detections"][row])
        height, width = (axis.seen for axis in axes)
        seen = _convert(boxes[row, :count], form, "xyxy", height, width)
        for side, axis in zip((1, 0, 3, 2), axes * 2, strict=True):
            seen[:, side] = np.clip(axis.start + seen[:, side] * axis.step, 0, axis.size)
        boxes[row, :count] = _convert(seen, "xyxy", form, *size)
    return {**predictions, "boxes": boxes}


def masks_to_image_size(task: keras.Model, predictions: Any, images: Any) -> list[np.ndarray]:
    """Converts the scores of a segmenter to a class for each pixel of the original images.

    `predict()` of KerasHub's segmenters returns scores of the size to which the preprocessor
    resizes. This undoes its resizing, padding and cropping: it interpolates the scores, and
    takes the class of the highest one.

    Args:
        task: A KerasHub image segmenter, with the preprocessor that it predicted with.
        predictions: Array of shape `(batch, height, width, num_classes)`, the output of
            `task.predict(images)`.
        images: Array or list. The images given to `predict()`, a batch or a list of several
            sizes, or a list of their sizes, `(height, width)`.

    Returns:
        For each image an int32 array of shape `(height, width)`. Pixels that the preprocessor cut
        off are -1, since the network has not seen them.

    Raises:
        ValueError: If the number of predictions is not the number of images, or if they are not
            scores of classes.

    Example:

    ```python
    segmenter = keras_hub.models.ImageSegmenter.from_preset("runs/segmentation/preset")
    masks = krp.masks_to_image_size(segmenter, segmenter.predict(images), images)
    masks[0].shape == images[0].shape[:2]  # True
    ```
    """
    predictions = to_array(predictions)
    if predictions.ndim != 4 or predictions.shape[-1] < 2:
        raise ValueError(
            "`predictions` must have shape (batch, height, width, num_classes), of two classes or "
            f"more, as `predict()` returns them. Received: shape={predictions.shape}"
        )
    converter = _converter(task)
    sizes = _sizes(images, converter, len(predictions))
    return [
        _resize_scores(scores.astype("float32"), _axes(converter, size))
        for scores, size in zip(predictions, sizes, strict=True)
    ]


def _converter(task: keras.Model) -> Any:
    converter = getattr(task.preprocessor, "image_converter", None)
    if converter is None:
        raise ValueError(
            "`task` must have the preprocessor that it predicted with, since that says how images "
            f"were resized. Received: preprocessor={task.preprocessor!r}"
        )
    return converter


def _sizes(images: Any, converter: Any, count: int) -> list[tuple[int, int]]:
    rows = slice(-2, None) if converter.data_format == "channels_first" else slice(-3, -1)
    sizes = [
        tuple(int(side) for side in (image if len(np.shape(image)) == 1 else image.shape[rows]))
        for image in images
    ]
    if len(sizes) != count or any(len(size) != 2 for size in sizes):
        raise ValueError(
            "`images` must hold as many images, or sizes of (height, width), as there are "
            f"predictions. Received: {len(sizes)} images, {count} predictions"
        )
    return sizes


def _axes(converter: Any, size: tuple[int, int]) -> tuple[_Axis, _Axis]:
    """The mapping of an image's height and width to the network's input."""
    if converter.image_size is None:
        return tuple(_Axis(0.0, 1.0, side, side) for side in size)
    resizing = converter.resizing
    if isinstance(resizing, ResizeThenCrop):
        return tuple(
            _Axis(crop_start(whole, seen) * side / whole, side / whole, seen, side)
            for side, whole, seen in zip(
                size, resizing.resized(*size), converter.image_size, strict=True
            )
        )
    resized = (resizing.height, resizing.width)
    # The converter resizes a window of the image: a part of it, or more than it with padding.
    windows = list(size)
    for side in (0, 1):
        # As `keras.ops.image.resize` rounds.
        matched = int(float(size[1 - side] * resized[side]) / resized[1 - side])
        if converter.crop_to_aspect_ratio:
            windows[side] = max(min(size[side], matched), 1)
        elif converter.pad_to_aspect_ratio:
            windows[side] += 2 * (max(matched - size[side], 0) // 2)
    axes = []
    for side, window, target, seen in zip(
        size, windows, resized, converter.image_size, strict=True
    ):
        # `ResBlockImageConverter` crops the center after resizing.
        step, cut = window / target, crop_start(target, seen)
        axes.append(_Axis(int((side - window) / 2) + cut * step, step, seen, side))
    return tuple(axes)


def _convert(boxes: np.ndarray, source: str, target: str, height: int, width: int) -> np.ndarray:
    converted = keras.utils.bounding_boxes.convert_format(
        boxes, source=source, target=target, height=height, width=width, dtype="float32"
    )
    return np.array(keras.ops.convert_to_numpy(converted))


def _resize_scores(scores: np.ndarray, axes: tuple[_Axis, _Axis]) -> np.ndarray:
    (top, bottom, down, rows_seen), (left, right, across, columns_seen) = (
        _neighbours(axis, length) for axis, length in zip(axes, scores.shape, strict=False)
    )
    across = across[:, None]
    scores = scores[:, left] * (1 - across) + scores[:, right] * across
    mask = np.full([axis.size for axis in axes], -1, "int32")
    for first in range(0, len(mask), _ROWS):
        part = slice(first, first + _ROWS)
        weight = down[part, None, None]
        mixed = scores[top[part]] * (1 - weight) + scores[bottom[part]] * weight
        mask[part] = mixed.argmax(-1)
    mask[~rows_seen] = -1
    mask[:, ~columns_seen] = -1
    return mask


def _neighbours(axis: _Axis, length: int) -> tuple[np.ndarray, ...]:
    """For each pixel, the two scores around its center, and the weight of the second."""
    places = ((np.arange(axis.size) + 0.5 - axis.start) / axis.step) * length / axis.seen
    seen = (places >= 0) & (places <= length)
    places = np.clip(places - 0.5, 0, length - 1)
    first = places.astype(int)
    second = np.minimum(first + 1, length - 1)
    return first, second, (places - first).astype("float32"), seen
