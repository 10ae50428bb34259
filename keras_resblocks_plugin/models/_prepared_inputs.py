"""Preprocessing of any data that `keras.Model` accepts, batch by batch."""

import math
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin.models import _batches, _data_kinds


class PreparedInputs:
    """Mixin for a KerasHub task that turns raw data into batches which the network reads."""

    def preprocess_samples(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Preprocesses one batch, which may be a list of images."""
        if isinstance(x, list):
            x = _batches.to_arrays(x)
            shapes = {image.shape for image in x}
            if len(shapes) == 1:
                x = np.stack(x)
            elif self.preprocessor is None:
                raise ValueError(
                    "`x` must hold images of one size where the task has no `preprocessor` that "
                    f"resizes them. Received: shapes {sorted(shapes)}"
                )
        return super().preprocess_samples(x, y, sample_weight)

    def _prepare(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
    ) -> tuple[Any, Any, Any]:
        """Returns `x`, `y` and `sample_weight` for Keras, which refuses invalid combinations."""
        if x is None:
            return x, y, sample_weight
        if _batches.single(x, rank=4) is not x:
            x, y = _batches.single(x, rank=4), _batches.single(y)
        if _data_kinds.is_tf_dataset(x):
            return self._prepare_tf_dataset(x), y, sample_weight
        # Data is checked before Keras starts: on JAX, an error in the middle of an epoch leaves
        # the model without its weights.
        read = self._read
        if isinstance(x, keras.utils.PyDataset):
            self._look_at_batch(x[0])
            x = _batches.MappedBatches(x, read)
        elif _data_kinds.is_torch_loader(x):
            x = _batches.map_torch_loader(x, read, self._look_at_batch)
        elif _data_kinds.is_grain_dataset(x) and _data_kinds.has_end(x):
            self._look_at_batch(x[0])
            x = _batches.MappedBatches(_batches.GrainBatches(x), read)
        elif _data_kinds.is_grain_dataset(x):
            x = x.map(self._looking_reader())
        elif _data_kinds.is_grain_loader(x):
            x = _batches.read_grain_loader(x).map(self._looking_reader())
        elif isinstance(x, types.GeneratorType):
            read = self._looking_reader()
            x = (read(batch) for batch in x)
        else:
            data = tuple(_batches.to_arrays(part) for part in (x, y, sample_weight))
            rows = _batches.count_rows(data[0])
            batch_size = batch_size or (math.ceil(rows / steps) if steps else 32)
            batches = _batches.ArrayBatches(data, batch_size, shuffle)
            self._look_at(*data[:2])
            self._read(batches.sample())
            return _batches.MappedBatches(batches, read), None, None
        return x, y, sample_weight

    def _prepare_tf_dataset(self, dataset: Any) -> Any:
        for batch in dataset.take(1):
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
            self._look_at(x, y)
        if self.preprocessor is not None:
            autotune = -1  # `tf.data.AUTOTUNE`
            dataset = dataset.map(self.preprocess_samples, num_parallel_calls=autotune)
            dataset = dataset.prefetch(autotune)
        images = keras.utils.unpack_x_y_sample_weight(dataset.element_spec)[0]
        if getattr(getattr(images, "shape", None), "rank", None) is not None:
            self._check_preprocessed(images)
        return dataset

    def _read(self, batch: Any) -> tuple:
        """Preprocesses a raw batch into a tuple of NumPy arrays, which the network reads."""
        batch = keras.utils.unpack_x_y_sample_weight(batch)
        outputs = self.preprocess_samples(
            *(_batches.narrow(_batches.to_arrays(part)) for part in batch)
        )
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        self._check_preprocessed(outputs[0])
        return keras.tree.map_structure(_batches.to_array, outputs)

    def _looking_reader(self) -> Callable[[Any], tuple]:
        """`_read` with checks of the first batch, for data that can be read only once."""
        looked = False

        def read(batch: Any) -> tuple:
            nonlocal looked
            if not looked:
                looked = True
                x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
                self._look_at(x, y)
            return self._read(batch)

        return read

    def _look_at_batch(self, batch: Any) -> None:
        """Checks the first batch before Keras starts."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
        self._look_at(x, y)
        self._read(batch)

    def _look_at(self, x: Any, y: Any) -> None:
        """Checks raw images and labels. Tasks override it."""

    def _check_preprocessed(self, images: Any) -> None:
        """Checks the shape of preprocessed images. Tasks override it."""
