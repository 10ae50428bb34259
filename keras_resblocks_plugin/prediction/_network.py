"""The network of a preset, with its resizing and scaling apart."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_resblocks_plugin.models import _heads
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter
from keras_resblocks_plugin.saving._locate import load_checked
from keras_resblocks_plugin.saving._preset_files import CONVERTER_FILE, TASK_FILE
from keras_resblocks_plugin.saving._preset_folder import PresetFolder
from keras_resblocks_plugin.training._divergence import check_weights


class Network:
    """A network that maps resized images to probabilities or features.

    Args:
        model: The network without preprocessing.
        converter: The preset's converter, or `None`: images go in as they are.
        finish: A function from the outputs of the network to the results.
        class_names: The classes by output, for probabilities.
    """

    def __init__(
        self,
        model: keras.Model,
        converter: ResBlockImageConverter | None,
        finish: Callable[[np.ndarray], np.ndarray],
        class_names: list[str],
    ):
        from keras_resblocks_plugin.training.data._resizing import Converted, normalizer

        self.model, self.finish, self.class_names = model, finish, class_names
        self.resize = Converted(converter) if converter else lambda pixels: pixels
        self._scale = normalizer(converter) if converter else lambda images: images
        self.width = model.output.shape[-1]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Runs the network on a batch of resized images.

        Args:
            images: float32 array of shape `(batch, height, width, 3)`, from 0 to 255.

        Returns:
            float32 array of shape `(batch, width)`.
        """
        outputs = self.model.predict_on_batch(self._scale(images))
        return self.finish(keras.ops.convert_to_numpy(outputs).astype("float32"))


def load_network(preset: str | Path, features: bool) -> Network:
    """Loads a preset by its name, folder or handle.

    Args:
        preset: A name, a folder, or `"hf://user/name"`.
        features: Whether the outputs are the pooled features.

    Raises:
        ValueError: If there is no such preset, or it has no classifier and `features` is `False`.
        Diverged: If its weights are not finite.
    """

    def load(opened: PresetFolder) -> Network:
        if not opened.has(TASK_FILE):
            if not features:
                raise ValueError(
                    "`preset` must have a classifier, or `features` must be set. Received: "
                    f"preset={str(preset)!r}, a backbone alone. Give `features=True` (--features), "
                    "or fine-tune a classifier on it first."
                )
            return _of_backbone(opened)
        classifier = ResBlockImageClassifier.from_open_preset(opened, compile=False)
        check_weights(classifier)
        converter = getattr(classifier.preprocessor, "image_converter", None)
        classifier.preprocessor = None
        return _of_classifier(classifier, converter, features)

    return load_checked(preset, ResBlockBackbone.presets, load, of_task=True)


def _of_classifier(classifier, converter, features: bool) -> Network:
    if features:
        pooled = classifier.pooler(classifier.backbone.output)
        return Network(keras.Model(classifier.backbone.input, pooled), converter, _unchanged, [])
    count, head = classifier.num_classes, classifier.output_dense
    # One unit gives the probability of label 1.
    names = classifier.class_names or list(map(str, range(count) if count > 1 else [1]))

    def probabilities(logits: np.ndarray) -> np.ndarray:
        finite = np.isfinite(logits).all(axis=1)
        results = np.full_like(logits, np.nan)
        results[finite] = _heads.probabilities(logits[finite], head, None)
        return results

    return Network(classifier, converter, probabilities, list(names))


def _of_backbone(opened: PresetFolder) -> Network:
    backbone = ResBlockBackbone.from_open_preset(opened)
    check_weights(backbone)
    converter = None
    if opened.has(CONVERTER_FILE):
        converter = ResBlockImageConverter.load_from_preset(opened, ResBlockImageConverter)
    pooled = keras.layers.GlobalAveragePooling2D(backbone.data_format)(backbone.output)
    return Network(keras.Model(backbone.input, pooled), converter, _unchanged, [])


def _unchanged(outputs: np.ndarray) -> np.ndarray:
    return outputs
