"""Predictions or features of batches of encoded images."""

from collections.abc import Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin.prediction._config import check_top
from keras_resblocks_plugin.prediction._network import load_network

if TYPE_CHECKING:
    import pyarrow as pa

NOT_FINITE = "its prediction is not finite"


class Predictor:
    """Predictions, or features, of batches of images, as Ray Data's `map_batches` takes them.

    Images are read, resized and scaled as the command `keras-resblocks predict` does.

    Args:
        preset: str or Path. A name, a folder, or `"hf://user/name"`.
        top: int. The number of classes in the additional columns `class_names` and
            `probabilities`. Defaults to `None`: no such columns.
        features: bool. Whether to return the pooled features instead of predictions. Defaults to
            `False`.
        image_column: str. The column of images: files as bytes, dicts with `bytes` or `path`, or
            uint8 arrays of shape `(height, width, 3)`. Defaults to `"image"`.

    Raises:
        ValueError: If there is no such preset, or it has no classifier and `features` is `False`.

    Example:

    ```python
    predictor = krp.prediction.Predictor("resblock_bn_small")
    predictor({"image": images})["class_name"]
    ```
    """

    def __init__(
        self,
        preset: str | Path,
        top: int | None = None,
        features: bool = False,
        image_column: str = "image",
    ):
        require("training", "PIL")
        check_top(top, features)
        self._network = load_network(preset, features)
        self._top, self._features, self._image_column = top, features, image_column
        self._largest = 0

    def __call__(self, batch: dict[str, np.ndarray]) -> "pa.Table":
        """Predicts on a batch.

        Args:
            batch: Arrays of one length by column.

        Returns:
            A table of the columns of the batch without the images, and those of the predictions.
            They are null for an image that cannot be read, and `error` says why.
        """
        import pyarrow as pa

        from keras_resblocks_plugin.prediction._table import schema_of

        with ThreadPool() as pool:
            images = pool.map(self.prepare, list(batch[self._image_column]))
        # One shape of batches is compiled once.
        self._largest = max(self._largest, len(images))
        columns = self.columns(images, self._largest)
        others = {name: array for name, array in batch.items() if name != self._image_column}
        # Of their types also where a batch has only errors, or none.
        typed = schema_of(self._features, self._top, None)
        known = {name: pa.array(values.tolist()) for name, values in others.items()}
        return pa.table(
            known | {name: pa.array(x, typed.field(name).type) for name, x in columns.items()}
        )

    def prepare(self, source: Any) -> np.ndarray | str:
        """Decodes and resizes an image, in any thread.

        Args:
            source: The image, as in `image_column`, or a path.

        Returns:
            Its pixels, or the reason why it cannot be read.
        """
        from keras_resblocks_plugin.training.data._images import UnreadableImage, read_image

        if not isinstance(source, np.ndarray):
            try:
                source = read_image(source)
            except UnreadableImage as error:
                return str(error)
        if source.dtype != "uint8" or source.shape[2:] != (3,):
            return f"it must be uint8 of shape (height, width, 3), not {source.dtype} of shape " + (
                str(source.shape)
            )
        return self._network.resize(source)

    def columns(self, images: Sequence[np.ndarray | str], size: int) -> dict[str, list]:
        """Predicts on prepared images.

        Args:
            images: What `prepare()` returned for each.
            size: The size to which the batch is padded.

        Returns:
            The values of each column, with `None` for what there is not.
        """
        errors = [image if isinstance(image, str) else None for image in images]
        readable = [index for index, error in enumerate(errors) if error is None]
        outputs = self._run_network([images[index] for index in readable], size)
        finite = np.isfinite(outputs).all(axis=1)
        for index in np.flatnonzero(~finite):
            errors[readable[index]] = NOT_FINITE
        columns = {
            name: _spread(values, np.asarray(readable, "int64")[finite], len(images))
            for name, values in self._named(outputs[finite]).items()
        }
        return {**columns, "error": errors}

    def _run_network(self, images: list[np.ndarray], size: int) -> np.ndarray:
        if not images:
            return np.empty((0, self._network.width), "float32")
        shapes = {image.shape for image in images}
        if len(shapes) > 1:
            raise ValueError(
                "`preset` must have an image converter with an `image_size` where images have "
                f"several sizes. Received: images of shapes {sorted(shapes)}"
            )
        batch = np.zeros((max(size, len(images)), *images[0].shape), "float32")
        np.stack(images, out=batch[: len(images)])
        return self._network(batch)[: len(images)]

    def _named(self, outputs: np.ndarray) -> dict[str, Sequence]:
        if self._features:
            return {"features": list(outputs)}
        best = np.argsort(-outputs, axis=1, kind="stable")[:, : self._top or 1]
        names = np.array(self._network.class_names, dtype=object)[best]
        probabilities = np.take_along_axis(outputs, best, axis=1)
        columns = {"class_name": names[:, 0].tolist(), "probability": probabilities[:, 0].tolist()}
        if self._top:
            columns |= {"class_names": names.tolist(), "probabilities": list(probabilities)}
        return columns


def _spread(values: Sequence, places: np.ndarray, count: int) -> list:
    """A list of `count` values at their places, and `None` elsewhere."""
    spread = [None] * count
    for place, value in zip(places, values, strict=True):
        spread[place] = value
    return spread
