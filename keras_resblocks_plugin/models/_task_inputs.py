"""Fit, evaluate and predict on any data that `keras.Model` accepts, with preprocessing."""

import functools
import math
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._utils import _kerashub
from keras_resblocks_plugin.models import _batches, _data_kinds


class TaskInputs:
    """Mixin for a KerasHub task that preprocesses any data that `keras.Model` accepts.

    KerasHub's own `fit()`, `evaluate()` and `predict()` accept arrays, which they do not shuffle,
    and datasets of `tf.data` and grain only. This calls the methods of `keras.Model` instead.
    """

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list[int] = 1,
    ) -> keras.callbacks.History:
        """Trains like `keras.Model.fit`, on raw images, which are preprocessed batch by batch.

        Args:
            x: Raw images: an array or tensor, a list of images of several sizes, or batches of
                them with their labels: a `tf.data.Dataset`, a `grain` dataset, a
                `keras.utils.PyDataset`, a PyTorch `DataLoader` or a generator.
            shuffle: bool or `"batch"`. If `True`, arrays and lists are shuffled in each epoch, in
                an order that `keras.utils.set_random_seed` makes reproducible. Datasets shuffle
                themselves. Defaults to `True`.

        All arguments: [`keras.Model.fit`](https://keras.io/api/models/model_training_apis).

        Returns:
            A `keras.callbacks.History`.
        """
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = _batches.split_rows(
                (x, y, sample_weight), validation_split
            )
        given = x
        x, y, sample_weight = self._prepare(
            x, y, sample_weight, batch_size, steps=steps_per_epoch, shuffle=shuffle
        )
        if class_weight is not None and _data_kinds.is_grain_dataset(x):
            # Keras refuses `class_weight` with a grain dataset. KerasHub accepts it.
            x = x.map(functools.partial(_kerashub.weight_classes, class_weight=class_weight))
            class_weight = None
        if validation_data is not None:
            validation_data = self._prepare(
                *keras.utils.unpack_x_y_sample_weight(validation_data),
                validation_batch_size or batch_size,
                steps=validation_steps,
            )
        return keras.Model.fit(
            self,
            x,
            y,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            # Keras shuffles the batches of a `PyDataset`, and warns for any other data.
            shuffle=shuffle and isinstance(given, keras.utils.PyDataset),
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        **kwargs,
    ) -> Any:
        """Evaluates like `keras.Model.evaluate`, on the kinds of data that `fit()` accepts."""
        if not _kerashub.is_validation_inside_fit(kwargs):
            x, y, sample_weight = self._prepare(x, y, sample_weight, batch_size, steps=steps)
        return keras.Model.evaluate(
            self, x, y, verbose=verbose, sample_weight=sample_weight, steps=steps, **kwargs
        )

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Predicts like `keras.Model.predict`, on the kinds of data that `fit()` accepts."""
        x, _, _ = self._prepare(x, None, None, batch_size, steps=steps)
        return keras.Model.predict(self, x, verbose=verbose, steps=steps, callbacks=callbacks)

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs) -> Any:
        self._look_at(x, y)
        return super().train_on_batch(x, y, sample_weight, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs) -> Any:
        self._look_at(x, y)
        return super().test_on_batch(x, y, sample_weight, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        self._look_at(x, None)
        return super().predict_on_batch(x)

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
