"""A picture of images, their masks and the predictions of a segmenter."""

from pathlib import Path

import keras
import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_resblocks_plugin.training.segmentation._batches import raw_batches
from keras_resblocks_plugin.training.segmentation._classes import Classes
from keras_resblocks_plugin.training.segmentation._data import MaskedImages
from keras_resblocks_plugin.training.segmentation._metrics import predict


def draw_samples(
    model: keras.Model,
    images: MaskedImages,
    classes: Classes,
    size: tuple[int, int],
    rows: np.ndarray,
    file: Path,
) -> None:
    """Draws images, truth and prediction side by side.

    Args:
        model: A segmenter with its preprocessor.
        images: The images.
        classes: The classes of the masks.
        size: The height and width to pad the images to.
        rows: The rows to draw.
        file: The PNG file to write.
    """
    palette = ListedColormap([*matplotlib.colormaps["tab20"].colors[: len(classes.names)], "black"])
    figure = Figure(figsize=(9, 2.3 * len(rows) + 0.8), layout="constrained")
    axes = figure.subplots(len(rows), 3, squeeze=False)
    samples = raw_batches(images, classes, size, 1, rows)
    for line, (raw, (truth,)) in zip(axes, samples, strict=True):
        (predicted,) = predict(model, raw, images.size)
        line[0].imshow(raw[0, : images.size[0], : images.size[1]].astype("uint8"))
        for axis, mask in ((line[1], truth), (line[2], predicted)):
            axis.imshow(mask, palette, vmin=0, vmax=classes.ignored, interpolation="nearest")
    for axis, title in zip(axes[0], ("image", "truth", "prediction"), strict=True):
        axis.set_title(title)
    for axis in axes.flat:
        axis.axis("off")
    names = [*classes.names, "ignored"]
    handles = [Rectangle((0, 0), 1, 1, color=palette(i)) for i in range(len(names))]
    figure.legend(handles, names, loc="outside lower center", ncols=6, frameon=False)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=100, metadata={"Software": None})
