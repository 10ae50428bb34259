"""The preprocessor of an image classifier."""

from typing import Any

import keras
from keras_hub.layers import ImageConverter
from keras_hub.models import ImageClassifierPreprocessor

from keras_resblocks_plugin._utils._arguments import arguments_of, check_arguments
from keras_resblocks_plugin._utils._config_schema import layer_schema
from keras_resblocks_plugin._utils._places import check_saves_inside
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_converter import ResBlockImageConverter
from keras_resblocks_plugin.models._preprocessing_presets import PreprocessingPresets
from keras_resblocks_plugin.saving._loading import load_preprocessor
from keras_resblocks_plugin.saving._preset_files import PREPROCESSOR_FILE


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockImageClassifierPreprocessor(PreprocessingPresets, ImageClassifierPreprocessor):
    """Converts raw images to the inputs of `ResBlockImageClassifier`.

    A list of images of several sizes becomes one batch. For the arguments and an example, see
    `keras_hub.models.ImageClassifierPreprocessor`.
    """

    backbone_cls = ResBlockBackbone
    image_converter_cls = ResBlockImageConverter
    load_from_preset = staticmethod(load_preprocessor)
    preset_file = PREPROCESSOR_FILE

    def __init__(self, image_converter: ResBlockImageConverter | None = None, **kwargs):
        check_arguments(
            type(self),
            kwargs,
            self.arguments(),
            elsewhere={"the converter": self.image_converter_cls.arguments()},
        )
        super().__init__(image_converter, **kwargs)
        check_saves_inside(self)

    @classmethod
    def arguments(cls) -> set[str]:
        """The names of all arguments that the class accepts."""
        return arguments_of(cls, keras.Layer) | {"config_file"}

    @classmethod
    def from_config(cls, config):
        # KerasHub passes all arguments of `from_preset()` to the preprocessor.
        converter = config.get("image_converter")
        names = config.keys() & (cls.image_converter_cls.arguments() - cls.arguments())
        if isinstance(converter, dict) and names:
            of_converter = {name: config[name] for name in names}
            config = {name: value for name, value in config.items() if name not in names}
            converter = {**converter, "config": {**converter["config"], **of_converter}}
            config["image_converter"] = converter
        return super().from_config(config)

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A JSON Schema of the config, by which presets are checked before they are built."""
        return layer_schema(
            image_converter={"type": ["object", "null"], "instance_of": ImageConverter},
            # Saving writes a file of that name.
            config_file={"const": PREPROCESSOR_FILE},
        )

    def call(self, x, y=None, sample_weight=None):
        if not isinstance(x, list):
            return super().call(x, y=y, sample_weight=sample_weight)
        # KerasHub stacks a list before it converts the images.
        if self.image_converter:
            x = [self.image_converter(image) for image in x]
        shapes = {tuple(image.shape) for image in x}
        if len(shapes) > 1:
            raise ValueError(
                "`image_size` of the image converter must be set where images of several sizes "
                f"become one batch. Received: shapes {sorted(shapes)}"
            )
        return keras.utils.pack_x_y_sample_weight(keras.ops.stack(x), y, sample_weight)

    def save_to_preset(self, preset_dir: str):
        """Saves the preprocessor and its converter to a preset folder, atomically.

        The folder's other files stay.

        Args:
            preset_dir: string or path. The folder, on this machine; `~` is the user's home.

        Raises:
            ValueError: If the preset could not be loaded again. Nothing is saved then.
        """
        check_saves_inside(self)
        super().save_to_preset(preset_dir)
