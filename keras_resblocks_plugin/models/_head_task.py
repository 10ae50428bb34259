"""The parts of a classifier that depend on its head: losses, class names, and a warning."""

import hashlib
import warnings
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin._utils._kerashub import flatten_layers
from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.models import _heads

_TRAINED = "optimizer_has_state"


class HeadTask:
    """Mixin for a KerasHub classifier with `output_dense`, `num_classes` and `class_names`."""

    def predict(self, x: Any, *args, **kwargs) -> np.ndarray:
        """Predicts on raw images. Warns if the head is untrained.

        Args:
            x: The images, as for `fit()`.
            *args: Further arguments of `keras.Model.predict`.
            **kwargs: Further arguments of `keras.Model.predict`.

        Returns:
            Array of shape `(batch, num_classes)`.
        """
        self._warn_of_untrained_head()
        return super().predict(x, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Predicts on one batch of preprocessed images. Warns if the head is untrained.

        Args:
            x: Array or tensor of shape `(batch, height, width, channels)`.

        Returns:
            Array of shape `(batch, num_classes)`.
        """
        self._warn_of_untrained_head()
        return super().predict_on_batch(x)

    def compile(
        self, optimizer: Any = "auto", loss: Any = "auto", *, metrics: Any = "auto", **kwargs
    ) -> None:
        """Compiles for training, by default with the cross-entropy that fits the head.

        Args:
            optimizer: A `keras.optimizers.Optimizer` or its name. Defaults to `Adam(5e-5)`.
            loss: A loss. By default the sparse categorical cross-entropy, and binary
                cross-entropy for one unit or `activation="sigmoid"`. Other activations have no
                default.
            metrics: A list. By default the accuracy that goes with the loss, if it is a
                cross-entropy.
            **kwargs: Further arguments of `keras.Model.compile`.
        """
        # KerasHub compiles in the constructor, before `self.activation` is set.
        automatic = loss == "auto"
        loss = _heads.default_loss(self.output_dense) if automatic else loss
        self._misses_loss = automatic and loss is None
        if metrics == "auto":
            metrics = _heads.default_metrics(self.output_dense, loss)
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def compile_from_config(self, config: dict) -> None:
        """Compiles as a saved model was. `keras.models.load_model` calls this."""
        config = dict(config)
        trained = config.pop(_TRAINED, True)
        self.compile(**keras.saving.deserialize_keras_object(config))
        # KerasHub's tasks do not restore the optimizer and its state. Its variables must exist
        # before the state is loaded.
        if trained and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict | None:
        """The arguments of `compile`, and a flag if the optimizer has no state yet."""
        config = super().get_compile_config()
        optimizer = getattr(self, "optimizer", None)
        if config and optimizer is not None and not optimizer.built:
            config[_TRAINED] = False
        return config

    def save_task_weights(self, filepath: str) -> None:
        """Saves only the head to an h5 file.

        KerasHub's tasks also save the optimizer's state, which is as large as the backbone.

        Args:
            filepath: The file, which ends in `.weights.h5`.
        """
        skipped = self._outside_of_head()
        keras.saving.save_weights(self, filepath, objects_to_skip=skipped)

    def _outside_of_head(self) -> list[Any]:
        """The parts of the task whose weights are not saved with the head."""
        # There is no optimizer before `compile()`.
        optimizer = getattr(self, "optimizer", None)
        others = [self.backbone] if optimizer is None else [self.backbone, optimizer]
        return [*flatten_layers(self.backbone), *others]

    def _check_loss(self) -> None:
        """Refuses to train without a loss, which JAX would do silently."""
        if getattr(self, "_misses_loss", False):
            activation = keras.activations.serialize(self.output_dense.activation)
            raise ValueError(
                "`loss` must be given to `compile()` where the head's `activation` is other than "
                f"None, 'softmax' and 'sigmoid'. Received: activation={activation!r}"
            )

    def decode_predictions(self, predictions: Any, top: int = 5) -> list[list[tuple[str, float]]]:
        """Returns the most likely classes of each image, by name.

        Args:
            predictions: Array of shape `(batch, num_classes)`, as `predict()` returns it: logits,
                to which the softmax is applied, or the sigmoid for one unit; or probabilities,
                if the head's `activation` is `"softmax"` or `"sigmoid"`.
            top: int. The maximum number of classes for an image. Defaults to `5`.

        Returns:
            For each image a list of `(name, probability)`, the most likely first. Without
            `class_names` the name is the index, with a warning. For a head of one unit it is
            `"1"`.

        Raises:
            ValueError: If the predictions do not have one column for each unit, are not finite,
                or cannot be probabilities, such as the values of a regression.
        """
        check_positive_int("top", top)
        predictions = keras.ops.convert_to_numpy(predictions).astype("float32")
        if predictions.ndim != 2 or predictions.shape[1] != self.num_classes:
            raise ValueError(
                f"`predictions` must have shape (batch, {self.num_classes}), as `predict()` "
                f"returns them. Received: shape={predictions.shape}"
            )
        loss = getattr(self, "loss", None)
        predictions = _heads.probabilities(predictions, self.output_dense, loss)
        # One unit predicts the probability of label 1.
        first = 1 if self.num_classes == 1 else 0
        if not self.class_names and self.num_classes > 1:
            warnings.warn(
                f"`{self.name}` has no `class_names`, so its classes are named by their indices. "
                "Give it names by `from_preset(..., class_names=[...])`.",
                stacklevel=2,
            )
        names = self.class_names or [str(first + index) for index in range(self.num_classes)]
        order = np.argsort(-predictions, axis=1)[:, :top]
        return [
            [(names[index], float(row[index])) for index in indices]
            for row, indices in zip(predictions, order, strict=True)
        ]

    def _head_digest(self) -> bytes:
        # A digest, since the head may be the largest tensor of the model.
        digest = hashlib.sha256()
        for weight in (self.output_dense.kernel, self.output_dense.bias):
            digest.update(keras.ops.convert_to_numpy(weight).tobytes())
        return digest.digest()

    def _warn_of_untrained_head(self) -> None:
        # Any way of training or loading changes the values.
        if self._created_head is None:
            return
        if self._created_head == self._head_digest():
            warnings.warn(
                f"The head of `{self.name}` has the random values it was created with, so its "
                "predictions mean nothing. Train it with `fit()`, or load a preset with its "
                "trained head: `from_preset()` without `num_classes`.",
                stacklevel=3,
            )
        else:
            self._created_head = None
