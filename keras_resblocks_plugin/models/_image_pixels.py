"""Bring boxes and masks from the size that a network sees back to each image's own pixels."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_resblocks_plugin.models._batches import to_array

# Rows of a mask that are computed at a time: all classes of a large photo would fill the memory.
_ROWS = 64


class _Axis(NamedTuple):
    """One side of an image: pixel `p` of what the network sees is `start + p * step` there."""

    start: float
    step: float
    seen: int
    size: int


def boxes_to_image_pixels(
    task: keras.Model, predictions: Mapping[str, Any], images: Any
) -> dict[str, np.ndarray]:
    """The boxes that a detector predicted, in the pixels of the images themselves.

    `predict()` of KerasHub's detectors gives them in pixels of the size to which the
    preprocessor resizes. This takes back its resizing, padding and cropping.

    Args:
        task: A KerasHub object detector, with the preprocessor it predicted with.
        predictions: dict, what `task.predict(images)` returned.
        images: The images that `predict()` was given, a batch or a list of several sizes; or
            their sizes, a list of `(height, width)`.

    Returns:
        `predictions` as NumPy arrays, with other `boxes`, in the same format and cut at the edges
        of the image. Rows from `num_detections` on, which are no boxes, stay as they are.

    Raises:
        ValueError: If there are not as many predictions as images.

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
    """The class of each pixel of the images themselves, as a segmenter predicted them.

    `predict()` of KerasHub's segmenters gives scores of the size to which the preprocessor
    resizes. This takes back its resizing, padding and cropping: scores are interpolated, and
    the class is that of the highest.

    Args:
        task: A KerasHub image segmenter, with the preprocessor it predicted with.
        predictions: Array of shape `(batch, height, width, num_classes)`, what
            `task.predict(images)` returned.
        images: The images that `predict()` was given, a batch or a list of several sizes; or
            their sizes, a list of `(height, width)`.

    Returns:
        For each image an int32 array of shape `(height, width)`. Pixels that the preprocessor cut
        off, so that the network has not seen them, are -1.

    Raises:
        ValueError: If there are not as many predictions as images, or no scores of classes.

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
    """Height and width of an image, as a converter takes them to what the network sees."""
    if converter.image_size is None:
        return tuple(_Axis(0.0, 1.0, side, side) for side in size)
    resized = (converter.resizing.height, converter.resizing.width)
    # What is resized is a window of the image: all of it, less, or more where it is padded.
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
        # `ResBlockImageConverter` cuts the middle of what it resized.
        step, cut = window / target, round((target - seen) / 2)
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
    """For each pixel of an image the two scores around its middle, and the share of the second."""
    places = ((np.arange(axis.size) + 0.5 - axis.start) / axis.step) * length / axis.seen
    seen = (places >= 0) & (places <= length)
    places = np.clip(places - 0.5, 0, length - 1)
    first = places.astype(int)
    second = np.minimum(first + 1, length - 1)
    return first, second, (places - first).astype("float32"), seen
