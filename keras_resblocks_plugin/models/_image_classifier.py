"""Image classification on a `ResBlockBackbone`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.lora._adapter_file import load_adapter, save_adapter
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._classifier_config import ConfiguredClassifier
from keras_resblocks_plugin.models._head_task import HeadTask
from keras_resblocks_plugin.models._heads import check_head_activation
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter
from keras_resblocks_plugin.models._input_checks import check_labels
from keras_resblocks_plugin.models._preset_classifier import PresetClassifier
from keras_resblocks_plugin.models._task_inputs import TaskInputs
from keras_resblocks_plugin.models._validation import check_image_batch, check_num_classes


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockImageClassifier(PresetClassifier, HeadTask, TaskInputs, ConfiguredClassifier):
    """A `ResBlockBackbone` with global pooling and a dense head.

    `fit()`, `evaluate()` and `predict()` take raw images, with pixels of 0 to 255, and preprocess
    them. Calling the classifier runs only the network, on preprocessed images:
    `classifier(classifier.preprocessor(images))`.

    The head determines the defaults of `compile()` and `decode_predictions()`:

    - Several units, `activation=None` or `"softmax"`: mutually exclusive classes. The loss is the
      sparse categorical cross-entropy, and probabilities are the softmax.
    - One unit, `activation=None` or `"sigmoid"`: label 0 or 1. The loss is the binary
      cross-entropy, and the sigmoid is the probability of label 1.
    - Several units, `activation="sigmoid"`: several labels at once, an array of 0 and 1 of shape
      `(batch, num_classes)`. The loss is the binary cross-entropy, and each label has its own
      probability.

    For regression, pass a loss to `compile()`. `predict()` then returns the values, and
    `decode_predictions()` refuses them. A preset does not contain the loss: compile the
    classifier after loading it.

    Args:
        backbone: A `krp.ResBlockBackbone`.
        num_classes: int. The number of units of the head. Defaults to the number of
            `class_names`.
        class_names: list of strings, in the order of the labels; for one unit, the name of label
            1. A preset contains them. `from_preset(..., num_classes=...)` drops them together
            with the trained head, unless it gets new ones. Defaults to `None`.
        preprocessor: A `krp.ResBlockImageClassifierPreprocessor`, a layer, a callable
            or `None`. Defaults to `None`.
        **kwargs: Further arguments of `keras_hub.models.ImageClassifier`: `pooling`,
            `activation`, `dropout`, `head_dtype`, `name`, `compile`.

    Example:

    ```python
    classifier = krp.ResBlockImageClassifier.from_preset("resblock_bn_small")
    classifier.decode_predictions(classifier.predict(images), top=3)
    # [[("tabby", 0.62), ("Egyptian cat", 0.21), ("lion", 0.04)], ...]

    # A new head on the trained backbone, for ten classes of your own.
    classifier = krp.ResBlockImageClassifier.from_preset("resblock_bn_small", num_classes=10)
    classifier.fit(images, labels)
    ```
    """

    backbone_cls = ResBlockBackbone
    preprocessor_cls = ResBlockImageClassifierPreprocessor

    def __init__(
        self,
        backbone: ResBlockBackbone,
        num_classes: int | None = None,
        class_names: Sequence[str] | None = None,
        preprocessor: Any = None,
        **kwargs,
    ):
        num_classes = check_num_classes(num_classes, class_names)
        check_head_activation(num_classes, kwargs.get("activation"))
        super().__init__(backbone, num_classes, class_names, preprocessor, **kwargs)
        self._created_head = self._head_digest()

    def save_lora_weights(self, filepath: str | Path) -> None:
        """Saves the backbone's LoRA weights and the head to an adapter file.

        Args:
            filepath: string or path. The file, which ends in `.safetensors`.

        Raises:
            ValueError: If there is no LoRA, or the file has another suffix.

        Example:

        ```python
        krp.freeze(classifier, "lora")
        classifier.fit(images, labels)
        classifier.save_lora_weights("birds/adapter.safetensors")
        krp.push_to_hub("birds", "hf://me/birds")

        classifier = krp.ResBlockImageClassifier.from_preset("resblock_bn_small", num_classes=9)
        classifier.load_lora_weights("hf://me/birds")
        ```
        """
        save_adapter(self, filepath, self.output_dense.weights, self.class_names)

    def load_lora_weights(self, filepath: str | Path) -> None:
        """Loads what `save_lora_weights` saved, with the head and its class names.

        Args:
            filepath: string or path. The file, a folder that holds it, or `"hf://user/name"`.

        Raises:
            ValueError: If it is for another architecture, rank or number of classes, or
                damaged. Nothing is loaded then.
            HubError: If it cannot be downloaded.
        """
        self.class_names = load_adapter(self, filepath, self.output_dense.weights)

    def call(self, inputs, training=None, mask=None):
        """Runs the network on images that are preprocessed already.

        `predict()` preprocesses raw images; this does not. `self.preprocessor(images)` gives what
        goes in here.
        """
        check_image_batch(inputs, self.backbone.image_shape)
        return super().call(inputs, training=training, mask=mask)

    def _look_at(self, x: Any, y: Any) -> None:
        if y is not None:
            self._check_loss()
        check_labels(y, self.num_classes, getattr(self, "loss", None))
        converter = getattr(self.preprocessor, "image_converter", None)
        if isinstance(converter, ResBlockImageConverter) and not isinstance(x, dict):
            converter.look_at(x)

    def _check_preprocessed(self, images: Any) -> None:
        if hasattr(images, "shape"):
            check_image_batch(images, self.backbone.image_shape)
