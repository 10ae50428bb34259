"""The measured results of a segmenter, and a picture of them."""

from pathlib import Path

import keras
import numpy as np
from matplotlib import colors

from keras_resblocks_plugin.training._curve import plt
from keras_resblocks_plugin.training._divergence import check_predictions
from keras_resblocks_plugin.training.data._segmentation_batches import evaluation_batches
from keras_resblocks_plugin.training.data._segmentation_data import Classes, MaskedImages


def confusion_matrix(
    model: keras.Model,
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    batch_size: int,
) -> np.ndarray:
    """How many pixels of each class, by row, were taken for each class, by column.

    Args:
        model: A segmenter with its preprocessor.
        images: What to measure on. Each pixel counts once; those that the padding added
            are cropped, and those of no class are left out.
        classes: Which value is which class.
        size: What the images are padded to.
        batch_size: Images a step.
    """
    count = len(classes.names)
    matrix = np.zeros((count, count), "int64")
    for raw, masks in evaluation_batches(images, classes, size, batch_size).as_numpy_iterator():
        truth = crop(masks, images.size)
        guess = crop(predict(model, raw), images.size)
        known = truth != classes.ignored
        pairs = truth[known] * count + guess[known]
        matrix += np.bincount(pairs, minlength=count**2).reshape(count, count)
    return matrix


def scores(confusion: np.ndarray, names: list[str], split: str) -> dict[str, float]:
    """Mean IoU, the share of pixels that are right, and the IoU of each class.

    A class that is neither there nor guessed has no IoU and is left out of the mean, as in
    `keras.metrics.MeanIoU`.
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


def predict(model: keras.Model, raw: np.ndarray) -> np.ndarray:
    """The class of each pixel of a batch of raw images.

    Raises:
        Diverged: If a prediction is not finite.
    """
    predictions = keras.ops.convert_to_numpy(model.predict(raw, verbose=0))
    check_predictions(predictions)
    return np.argmax(predictions, axis=-1)


def crop(masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The part of padded masks that is of the image."""
    return masks[:, : size[0], : size[1]]


def draw_samples(
    model: keras.Model,
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    rows: np.ndarray,
    file: Path,
) -> None:
    """Draws images, truth and prediction side by side."""
    batches = evaluation_batches(images, classes, size, 1)
    chosen = {i: pair for i, pair in enumerate(batches.as_numpy_iterator()) if i in rows}
    palette = colors.ListedColormap([*plt.get_cmap("tab20").colors[: len(classes.names)], "black"])
    figure, axes = plt.subplots(
        *(len(rows), 3), figsize=(9, 2.3 * len(rows) + 0.8), layout="constrained", squeeze=False
    )
    for line, (raw, masks) in zip(axes, chosen.values(), strict=True):
        line[0].imshow(crop(raw, images.size)[0].astype("uint8"))
        for axis, mask in ((line[1], masks), (line[2], predict(model, raw))):
            axis.imshow(
                crop(mask, images.size)[0],
                *(palette,),
                vmin=0,
                vmax=classes.ignored,
                interpolation="nearest",
            )
    for axis, title in zip(axes[0], ("image", "truth", "prediction"), strict=True):
        axis.set_title(title)
    for axis in axes.flat:
        axis.axis("off")
    names = [*classes.names, "ignored"]
    handles = [plt.Rectangle((0, 0), 1, 1, color=palette(i)) for i in range(len(names))]
    figure.legend(handles, names, loc="outside lower center", ncols=6, frameon=False)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=100, metadata={"Software": None})
    plt.close(figure)
