"""The Keras model that takes many training steps in one compiled call, on JAX."""

from typing import Any

import jax
import keras

from keras_resblocks_plugin.training.device._augmentation import DeviceAugmentation


class DeviceTraining(keras.Model):
    """Trains a classifier on the indices of images on the device; it is never saved.

    `fit` takes tuples of the indices of some steps, all images and all labels, see `DeviceCalls`.
    `evaluate` takes batches of images and one-hot labels.

    Args:
        classifier: The classifier to train, without its preprocessor.
        augmentation: Makes the batch of a step.
        steps_per_call: The most steps of a call.
    """

    def __init__(
        self, classifier: keras.Model, augmentation: DeviceAugmentation, steps_per_call: int
    ):
        # The layers between them alone: the classifier keeps its preprocessor, which is not built.
        super().__init__(inputs=classifier.input, outputs=classifier.output)
        self._augmentation = augmentation
        self._steps_per_call = steps_per_call

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compiles the model, and builds its loss and metrics."""
        # Callbacks, logs and progress bars count the steps, and not the calls.
        super().compile(*args, steps_per_execution=self._steps_per_call, **kwargs)
        # `fit` would build them from what it is given, which is not a batch.
        outputs = keras.ops.zeros((1, self.output_shape[-1]))
        self.compute_loss(None, outputs, outputs)
        self.compute_metrics(None, outputs, outputs)
        self.reset_metrics()

    def make_train_function(self, force: bool = False) -> None:
        """Creates the compiled function of a call."""
        # Keras would call it once for each step.
        counted, self.steps_per_execution = self.steps_per_execution, 1
        super().make_train_function(force)
        self.steps_per_execution = counted

    def train_step(self, state: Any, data: Any) -> tuple[Any, Any]:
        """Takes the steps of a call; returns the logs of the last, and the state."""
        indices, images, labels = data
        train_step = super().train_step

        def step(state, index):
            rows = index["rows"]
            batch = self._augmentation(index["steps"], images[rows], labels[rows])
            logs, state = train_step(state, batch)
            return state, logs

        state, logs = jax.lax.scan(step, state, indices)
        return jax.tree.map(lambda values: values[-1], logs), state
