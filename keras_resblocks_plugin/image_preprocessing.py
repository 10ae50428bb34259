"""From raw images to what a `ResBlockBackbone` reads."""

from collections.abc import Sequence

import keras
from keras_hub.layers import ImageConverter
from keras_hub.models import ImageClassifierPreprocessor

from keras_resblocks_plugin._registration import PACKAGE
from keras_resblocks_plugin._replace import replacing
from keras_resblocks_plugin.backbone import ResBlockBackbone


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockImageConverter(ImageConverter):
    """Resizes and rescales raw images to what a `ResBlockBackbone` was trained on.

    Arguments, shapes and an example: `keras_hub.layers.ImageConverter`.
    """

    backbone_cls = ResBlockBackbone

    def call(self, inputs):
        images = inputs["images"] if isinstance(inputs, dict) else inputs
        shape = getattr(images, "shape", None)
        # A list of images of several sizes has no shape; each is checked by itself.
        if shape is not None and getattr(shape, "rank", 0) is not None:
            self._check_shape(tuple(shape))
        return super().call(inputs)

    def _check_shape(self, shape: tuple) -> None:
        if len(shape) not in (3, 4):
            raise ValueError(
                "`images` must be an image, of rank 3, or a batch of them, of rank 4. "
                f"Received: shape={shape}"
            )
        channels = shape[-1 if self.data_format == "channels_last" else -3]
        for name, values in (("scale", self.scale), ("offset", self.offset)):
            # One channel would be stretched to three by the multiplication, silently.
            if isinstance(values, Sequence) and channels not in (None, len(values)):
                raise ValueError(
                    f"`images` must have {len(values)} channels, one for each entry of the "
                    f"converter's `{name}`, in {self.data_format} order. Convert grayscale or "
                    f"transparent images to RGB first. Received: shape={shape}"
                )

    def get_config(self):
        # KerasHub leaves the data format out, so that a reload would guess it.
        return {**super().get_config(), "data_format": self.data_format}

    def save_to_preset(self, preset_dir: str):
        """Saves the converter to a preset folder, at one instant; its other files stay.

        Args:
            preset_dir: The folder.
        """
        with replacing(preset_dir) as folder:
            super().save_to_preset(str(folder))


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockImageClassifierPreprocessor(ImageClassifierPreprocessor):
    """Raw images, and labels if any, to what `ResBlockImageClassifier` reads.

    Arguments and an example: `keras_hub.models.ImageClassifierPreprocessor`.
    """

    backbone_cls = ResBlockBackbone
    image_converter_cls = ResBlockImageConverter

    def save_to_preset(self, preset_dir: str):
        """Saves the preprocessor and its converter to a preset folder, at one instant.

        The folder's other files stay.

        Args:
            preset_dir: The folder.
        """
        with replacing(preset_dir) as folder:
            super().save_to_preset(str(folder))
