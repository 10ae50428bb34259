"""Image classification on a `ResBlockBackbone`."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin._utils._one_save import one_save
from keras_resblocks_plugin._utils._places import check_saves_inside, local_path
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin._utils._replace import replacing
from keras_resblocks_plugin._utils._validation import (
    check_image_batch,
    check_num_classes,
)
from keras_resblocks_plugin.lora import _adapters as adapters
from keras_resblocks_plugin.lora._lora import forget_compiled
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._classifier_config import ConfiguredClassifier
from keras_resblocks_plugin.models._head_task import HeadTask
from keras_resblocks_plugin.models._heads import check_head_activation
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter
from keras_resblocks_plugin.models._input_checks import check_labels
from keras_resblocks_plugin.models._task_inputs import TaskInputs
from keras_resblocks_plugin.saving._head import SavedHead, read_head
from keras_resblocks_plugin.saving._locate import load_checked
from keras_resblocks_plugin.saving._preset_files import PREPROCESSOR_FILE, TASK_FILE
from keras_resblocks_plugin.saving._preset_folder import (
    check_head,
    check_saved,
    list_head,
    saved_policy_of,
)


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockImageClassifier(HeadTask, TaskInputs, ConfiguredClassifier):
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

    @classmethod
    def from_preset(
        cls, preset: str, load_weights: bool = True, **kwargs
    ) -> "ResBlockImageClassifier":
        """Loads a preset by its name, folder or `hf://` handle, once it is checked.

        Where the Hub cannot be asked, a handle is answered from its cache, with a warning.

        Args:
            preset: A name of `krp.list_presets()`, a folder, or `"hf://user/name"`, with
                `@revision` for a branch, a tag or a commit.
            load_weights: bool. If `False`, the weights stay random, and all of them learn.
                Defaults to `True`.
            **kwargs: `num_classes` puts a new, untrained head on the trained backbone, with
                `class_names` if they are given; `class_names` alone name the trained
                head's classes. Other arguments of the class and of its backbone replace
                the preset's, `freeze_batch_norm` or `image_shape` for instance.

        Raises:
            ValueError: If the name is unknown, or the preset is incomplete, damaged, or
                names classes that may not be built.
            HubError: If it cannot be downloaded from the Hub.
        """
        if kwargs.get("num_classes") is not None:
            kwargs.setdefault("class_names", None)
        if kwargs.get("class_names") is not None:
            kwargs["class_names"] = tuple(kwargs["class_names"])
        if not load_weights:
            # Random weights that do not learn would serve nobody.
            kwargs.setdefault("frozen", None)
        load_folder = functools.partial(super().from_preset, load_weights=load_weights)

        def load(folder: str) -> ResBlockImageClassifier:
            arguments = dict(kwargs)
            if arguments.get("dtype") is None:
                arguments["dtype"] = saved_policy_of(folder)
            if not (Path(folder) / TASK_FILE).exists() and "backbone" not in arguments:
                # KerasHub would pass on no more than `dtype` and `image_shape`.
                arguments, of_backbone = cls.split_arguments(arguments)
                backbone = cls.backbone_cls.from_preset(folder, load_weights, **of_backbone)
                arguments["backbone"] = backbone
            return load_folder(folder, **arguments)

        return load_checked(preset, cls.presets, load, of_task=True)

    def save_to_preset(self, preset_dir: str, max_shard_size: float | None = None):
        """Saves backbone, head, preprocessing and class names to a folder, at one instant.

        A process killed while saving leaves the old preset or the new one. Files in
        the folder that the save does not own, such as a card, stay.

        Args:
            preset_dir: The folder, on this machine; `~` is the user's home.
            max_shard_size: Unused: the weights are one safetensors file of any size.
        """
        place = local_path("preset_dir", preset_dir)
        check_saves_inside(self.preprocessor)
        with replacing(place) as folder:
            super().save_to_preset(str(folder))
            check_saved(folder, place, TASK_FILE, PREPROCESSOR_FILE)
            list_head(folder)

    def load_task_weights(self, filepath: str):
        """Loads the head of a preset.

        Args:
            filepath: The path of `task.weights.h5`.

        Raises:
            ValueError: If the file is damaged, or is the head of another backbone or of
                other classes.
        """
        load = functools.partial(self._load_head, filepath)
        self.backbone.expect_weights_of(one_save(filepath, load))

    def _load_head(self, filepath: str) -> SavedHead | None:
        check_head(filepath)
        head = read_head(Path(filepath))
        try:
            keras.saving.load_weights(self, filepath, objects_to_skip=self._outside_of_head())
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(
                f"`{filepath}` is not a head for {self.num_classes} classes on this backbone. "
                "Download or save the preset again, or give `num_classes` for a new head. "
                f"Received: {error}"
            ) from error
        return head

    def save_lora_weights(self, filepath: str | Path) -> None:
        """Saves what LoRA adds to the backbone's kernels, and the head, to a safetensors file.

        Args:
            filepath: The file, which ends in `.safetensors`.

        Raises:
            ValueError: If there is no LoRA, or the file has another ending.

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
        adapters.save_adapter(self.backbone, filepath, self.output_dense.weights, self.class_names)

    def load_lora_weights(self, filepath: str | Path) -> None:
        """Loads what `save_lora_weights` saved, with the head and its class names.

        Args:
            filepath: The file, a folder that has it, or `"hf://user/name"`.

        Raises:
            ValueError: If it is for another architecture, rank or number of classes, or
                damaged. Nothing is loaded then.
            HubError: If it cannot be downloaded.
        """
        self.class_names = adapters.load_adapter(self.backbone, filepath, self.output_dense.weights)
        forget_compiled(self)

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
