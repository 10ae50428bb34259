"""From raw images to what a `ResBlockBackbone` reads."""

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
