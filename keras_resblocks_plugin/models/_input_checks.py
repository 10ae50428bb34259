"""Checks of raw images and labels for mistakes that a network would not report."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin.models._batches import to_array, to_arrays
from keras_resblocks_plugin.models._heads import loss_kind

# Bicubic resizing overshoots the range of a byte by less than this.
OVERSHOOT = 64


def check_labels(labels: Any, num_classes: int, loss: Any) -> None:
    """Checks that integer labels are classes of the head, and that binary ones are 0 to 1.

    JAX trains on invalid labels silently. The errors of TensorFlow and PyTorch name no label.
    """
    kind = loss_kind(loss)
    highest = {"sparse": num_classes - 1, "binary": 1}.get(kind)
    labels = None if highest is None or isinstance(labels, dict) else to_array(labels)
    if labels is not None and labels.dtype.kind in "US":
        raise ValueError(
            "`y` must hold the indices of the classes, not their names: "
            "`[classifier.class_names.index(name) for name in y]`. "
            f"Received: {labels.ravel()[0]!r:.100}"
        )
    if labels is None or labels.dtype.kind not in "biuf":
        return
    bad = ~((labels >= 0) & (labels <= highest))
    if getattr(loss, "ignore_class", None) is not None:
        bad &= labels != loss.ignore_class
    if bad.any():
        row = int(np.argwhere(bad)[0][0])
        classes = "1 unit" if num_classes == 1 else f"{num_classes} classes"
        raise ValueError(
            f"`y` must hold labels from 0 to {highest}: the head has {classes}. "
            f"Received: {labels[bad][0]} in row {row}, and {int(bad.sum())} such labels in all"
        )


def expects_bytes(scale: Any, offset: Any) -> bool:
    """`True` if an image converter maps 0 to 255 to numbers of order 1."""
    largest = _largest(1.0 if scale is None else scale)
    if 0.5 <= 255 * largest <= 16:
        return True
    # Some networks only subtract the mean of the pixels.
    return largest == 1 and offset is not None and 16 <= _largest(offset) <= 255


def _largest(values: float | Sequence[float]) -> float:
    return float(np.max(np.abs(values)))


def describe_wrong_pixels(images: Any) -> str | None:
    """Describes why the pixels of images cannot be 0 to 255, with the fix; `None` if they can.

    Integers of 0 and 1 can be: very dark photographs look like that.
    """
    images = to_arrays(images)
    images = [
        image
        for image in (images if isinstance(images, list) else [images])
        if image.size and image.dtype.kind != "b" and image.dtype != np.uint8
    ]
    if not images:
        return None
    low = float(min(image.min() for image in images))
    high = float(max(image.max() for image in images))
    whole = all(image.dtype.kind in "iu" for image in images)
    found = f"values from {low:.4g} to {high:.4g}"
    if high > 255 + (0 if whole else OVERSHOOT):
        return f"{found}. Scale them to 255: divide images of 16 bits by 257"
    if low < -OVERSHOOT or (low < 0 and high <= 16):
        if low >= -1 and high <= 1:
            return f"{found}. Undo it: `(images + 1) * 127.5`"
        return f"{found}. Give them as they were before they were normalized"
    fractions = any(np.any(row != np.floor(row)) for image in images for row in image)
    if low >= 0 and high <= 2 and not whole and fractions:
        return f"{found}. Multiply them by 255"
    return None


def has_values(images: Any) -> bool:
    """`False` for symbolic tensors and for tensors that a backend is tracing."""
    for image in images if isinstance(images, list | tuple) else [images]:
        if isinstance(image, np.ndarray):
            continue
        if isinstance(image, keras.KerasTensor):
            return False
        try:
            np.asarray(to_array(image))
        except Exception:  # Each backend raises another one.
            return False
    return True
