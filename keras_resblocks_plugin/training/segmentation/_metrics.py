"""The metrics of a segmenter: mean IoU, pixel accuracy and the IoU of each class."""

import keras
import numpy as np

from keras_resblocks_plugin.training._divergence import check_predictions
from keras_resblocks_plugin.training.segmentation._batches import raw_batches
from keras_resblocks_plugin.training.segmentation._classes import Classes
from keras_resblocks_plugin.training.segmentation._data import MaskedImages


def confusion_matrix(
    model: keras.Model,
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    batch_size: int,
) -> np.ndarray:
    """Counts the pixels of each class, by row, predicted as each class, by column.

    Each pixel of an image counts once. Padding and pixels of the ignored class do not count.

    Args:
        model: A segmenter with its preprocessor.
        images: The images to measure on.
        classes: The classes of the masks.
        size: The height and width to pad the images to.
        batch_size: Images per step.
    """
    count = len(classes.names)
    matrix = np.zeros((count, count), "int64")
    for raw, truth in raw_batches(images, classes, size, batch_size):
        predicted = predict(model, raw, images.size)
        known = truth != classes.ignored
        # In 64 bits: the masks have 8.
        pairs = truth[known].astype("int64") * count + predicted[known]
        matrix += np.bincount(pairs, minlength=count**2).reshape(count, count)
    return matrix


def scores(confusion: np.ndarray, names: list[str], split: str) -> dict[str, float]:
    """Computes mean IoU, pixel accuracy and the IoU of each class.

    A class that is neither present nor predicted has no IoU and does not count in the mean, as
    in `keras.metrics.MeanIoU`.

    Args:
        confusion: The confusion matrix.
        names: The names of the classes.
        split: The split that was measured, the prefix of each name.
    """
    hits = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hits
    iou = {name: h / u for name, h, u in zip(names, hits, union, strict=True) if u}
    figures = {
        "mean_iou": np.mean(list(iou.values())),
        "pixel_accuracy": hits.sum() / confusion.sum(),
        **{f"iou_{name}": value for name, value in iou.items()},
    }
    return {f"{split}_{name}": round(float(value), 4) for name, value in figures.items()}


def predict(model: keras.Model, raw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Predicts the class of each pixel.

    Args:
        model: A segmenter with its preprocessor.
        raw: A batch of raw images, padded.
        size: The height and width of the images without padding.

    Raises:
        Diverged: If a prediction is not finite.
    """
    predictions = keras.ops.convert_to_numpy(model.predict(raw, verbose=0))
    check_predictions(predictions)
    return np.argmax(predictions, axis=-1)[:, : size[0], : size[1]]
