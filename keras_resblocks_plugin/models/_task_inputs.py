"""Fit, evaluate and predict on any data that `keras.Model` accepts, with preprocessing."""

import functools
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._utils import _kerashub
from keras_resblocks_plugin.models import _batches, _data_kinds
from keras_resblocks_plugin.models._prepared_inputs import PreparedInputs


class TaskInputs(PreparedInputs):
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
            y: Array. The labels, where `x` does not contain them. Defaults to `None`.
            batch_size: int. The number of images in a batch of arrays. Defaults to `32`.
            epochs: int. The number of epochs, including those before `initial_epoch`. Defaults
                to `1`.
            verbose: `"auto"`, `0`, `1` or `2`. Defaults to `"auto"`.
            callbacks: A list of `keras.callbacks.Callback`. Defaults to `None`.
            validation_split: float. The part of the arrays' end to validate on. Defaults to `0.0`.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or batches, as for `x`. Defaults
                to `None`.
            shuffle: bool or `"batch"`. If `True`, arrays and lists are shuffled in each epoch, in
                an order that `keras.utils.set_random_seed` makes reproducible. Datasets shuffle
                themselves. Defaults to `True`.
            class_weight: dict. The weight of each class in the loss. Defaults to `None`.
            sample_weight: Array. The weight of each image in the loss. Defaults to `None`.
            initial_epoch: int. The epoch to start at. Defaults to `0`.
            steps_per_epoch: int. The number of batches in an epoch. Defaults to all.
            validation_steps: int. The number of batches to validate on. Defaults to all.
            validation_batch_size: int. Defaults to `batch_size`.
            validation_freq: int or list. The epochs after which to validate. Defaults to `1`.

        See also [`keras.Model.fit`](https://keras.io/api/models/model_training_apis).

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
        """Evaluates like `keras.Model.evaluate`, on the kinds of data that `fit()` accepts.

        Args:
            x: The images, as for `fit()`.
            y: Array. The labels, where `x` does not contain them. Defaults to `None`.
            batch_size: int. The number of images in a batch of arrays. Defaults to `32`.
            verbose: `"auto"`, `0`, `1` or `2`. Defaults to `"auto"`.
            sample_weight: Array. The weight of each image. Defaults to `None`.
            steps: int. The number of batches. Defaults to all.
            **kwargs: Further arguments of `keras.Model.evaluate`, such as `return_dict`.

        Returns:
            The loss and the metrics, as a list, or a dict if `return_dict=True`.
        """
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
        """Predicts like `keras.Model.predict`, on the kinds of data that `fit()` accepts.

        Args:
            x: The images, as for `fit()`.
            batch_size: int. The number of images in a batch of arrays. Defaults to `32`.
            verbose: `"auto"`, `0`, `1` or `2`. Defaults to `"auto"`.
            steps: int. The number of batches. Defaults to all.
            callbacks: A list of `keras.callbacks.Callback`. Defaults to `None`.

        Returns:
            The predictions as NumPy arrays.
        """
        x, _, _ = self._prepare(x, None, None, batch_size, steps=steps)
        return keras.Model.predict(self, x, verbose=verbose, steps=steps, callbacks=callbacks)

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs) -> Any:
        """Trains on one batch of preprocessed images, like `keras.Model.train_on_batch`.

        Args:
            x: Array or tensor of shape `(batch, height, width, channels)`.
            y: Array. The labels. Defaults to `None`.
            sample_weight: Array. The weight of each image. Defaults to `None`.
            **kwargs: Further arguments of `keras.Model.train_on_batch`.

        Returns:
            The loss and the metrics, as a list, or a dict if `return_dict=True`.
        """
        self._look_at(x, y)
        return super().train_on_batch(x, y, sample_weight, **kwargs)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, **kwargs) -> Any:
        """Evaluates on one batch of preprocessed images, like `keras.Model.test_on_batch`.

        Args:
            x: Array or tensor of shape `(batch, height, width, channels)`.
            y: Array. The labels. Defaults to `None`.
            sample_weight: Array. The weight of each image. Defaults to `None`.
            **kwargs: Further arguments of `keras.Model.test_on_batch`.

        Returns:
            The loss and the metrics, as a list, or a dict if `return_dict=True`.
        """
        self._look_at(x, y)
        return super().test_on_batch(x, y, sample_weight, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Predicts on one batch of preprocessed images, like `keras.Model.predict_on_batch`.

        Args:
            x: Array or tensor of shape `(batch, height, width, channels)`.

        Returns:
            The predictions as NumPy arrays.
        """
        self._look_at(x, None)
        return super().predict_on_batch(x)
