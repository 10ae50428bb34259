"""The image converter of a `ResBlockBackbone`."""

import math
import numbers
import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import keras
import numpy as np
from keras_hub.layers import ImageConverter

from keras_resblocks_plugin._utils._arguments import arguments_of, check_arguments
from keras_resblocks_plugin._utils._config_schema import (
    BOOLEAN,
    DATA_FORMAT,
    integer,
    layer_schema,
    list_of,
)
from keras_resblocks_plugin._utils._kerashub import replace_child
from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._input_checks import (
    describe_wrong_pixels,
    expects_bytes,
    has_values,
)
from keras_resblocks_plugin.models._preprocessing_presets import PreprocessingPresets
from keras_resblocks_plugin.models._resize_then_crop import ResizeThenCrop, crop_start
from keras_resblocks_plugin.saving._loading import load_image_converter
from keras_resblocks_plugin.saving._preset_files import CONVERTER_FILE

CropOrder = Literal["crop_then_resize", "resize_then_crop"]

_CROP_ORDERS = get_args(CropOrder)
_INTERPOLATIONS = ("area", "bicubic", "bilinear", "lanczos3", "lanczos5", "nearest")
# One number, or one for each channel.
_PER_CHANNEL = {
    "type": ["number", "array", "null"],
    "items": {"type": "number"},
    "minItems": 1,
    "maxItems": 4096,
}


@keras.saving.register_keras_serializable(PACKAGE)
class ResBlockImageConverter(PreprocessingPresets, ImageConverter):
    """Resizes and rescales raw images for a `ResBlockBackbone`.

    Args:
        crop_fraction: float in (0, 1]. Images are resized to `image_size / crop_fraction`, and
            the center of `image_size` is cropped, as most ResNets are evaluated. Defaults to
            `1.0`, which crops nothing.
        crop_order: `"crop_then_resize"` or `"resize_then_crop"`: how images of another aspect
            ratio are cropped. `"crop_then_resize"` resizes the largest centered window of the
            image that has the aspect ratio of `image_size`. `"resize_then_crop"` resizes the
            whole image until it covers `image_size / crop_fraction`, and crops the center, as
            timm and torchvision do. Pixels are then clipped to 0 to 255 where the interpolation
            overshoots. Defaults to `"crop_then_resize"`.
        **kwargs: Arguments of `keras_hub.layers.ImageConverter`, which also documents shapes and
            has an example.
    """

    backbone_cls = ResBlockBackbone
    load_from_preset = staticmethod(load_image_converter)
    preset_file = CONVERTER_FILE

    def __init__(
        self,
        *args,
        crop_fraction: float = 1.0,
        crop_order: CropOrder = "crop_then_resize",
        **kwargs,
    ):
        check_arguments(type(self), kwargs, self.arguments())
        super().__init__(*args, **kwargs)
        # JSON has no arrays.
        self.scale, self.offset = (
            value.tolist() if isinstance(value, np.ndarray | np.generic) else value
            for value in (self.scale, self.offset)
        )
        is_number = isinstance(crop_fraction, numbers.Real) and not isinstance(crop_fraction, bool)
        if not is_number or not 0 < crop_fraction <= 1:
            raise ValueError(
                "`crop_fraction` must be a number in (0, 1]: the share of each side that is kept. "
                f"Received: crop_fraction={crop_fraction!r}"
            )
        self.crop_fraction = float(crop_fraction)
        if crop_order not in _CROP_ORDERS:
            raise ValueError(
                f"`crop_order` must be one of {', '.join(map(repr, _CROP_ORDERS))}. "
                f"Received: crop_order={crop_order!r}"
            )
        self.crop_order = crop_order
        self._looked = self._warned = False
        self._image_size = ImageConverter.image_size.fget(self)
        if crop_order == "resize_then_crop" and not self.pad_to_aspect_ratio:
            replace_child(self, "resizing", ResizeThenCrop.from_config(self.resizing.get_config()))
        self.image_size = self._image_size
        # `quantize()` of a model refuses unbuilt layers.
        self.resizing.build((None, None, None, None))

    @classmethod
    def arguments(cls) -> set[str]:
        """The names of all arguments that the class accepts."""
        return arguments_of(cls, keras.Layer)

    @classmethod
    def from_config(cls, config):
        # Keras would wrap the error in others.
        check_arguments(cls, config, cls.arguments())
        return super().from_config(config)

    @property
    def image_size(self) -> tuple[int, int] | None:
        """The size of the output, a tuple of `(height, width)` or `None`. It can be set."""
        return self._image_size

    @image_size.setter
    def image_size(self, value: Sequence[int] | None):
        self._image_size = None if value is None else tuple(value)
        # The inner layer resizes to the size before the crop.
        self.resizing.height, self.resizing.width = (
            (None, None)
            if value is None
            else (math.floor(side / self.crop_fraction) for side in value)
        )
        if isinstance(self.resizing, ResizeThenCrop):
            self.resizing.crop_size = self._image_size

    def look_at(self, images: Any) -> None:
        """Warns once if the converter expects pixels of 0 to 255 and the images have others.

        `call()` checks the first images that it gets, which are the first batch of a dataset.
        Inside a graph, as in `tf.data`, there are no values to check.

        Args:
            images: A batch of raw images, or a list of images.
        """
        self._looked = True
        wrong = expects_bytes(self.scale, self.offset) and describe_wrong_pixels(images)
        if wrong and not self._warned:
            self._warned = True
            warnings.warn(
                f"The images have {wrong}. `{self.name}` expects pixels of 0 to 255, and "
                "predictions for other pixels are meaningless. If the images are preprocessed "
                "already, set `preprocessor = None` on the task.",
                stacklevel=3,
            )

    def call(self, inputs):
        images = inputs["images"] if isinstance(inputs, dict) else inputs
        if not self._looked and has_values(images):
            self.look_at(images)
        # Images of several sizes come as a list.
        for image in images if isinstance(images, list | tuple) else [images]:
            shape = getattr(image, "shape", None)
            if shape is not None and getattr(shape, "rank", 0) is not None:
                self._check_shape(tuple(shape))
        resizes_then_crops = isinstance(self.resizing, ResizeThenCrop)
        crops = self.image_size is not None and (
            self.crop_fraction < 1 or (resizes_then_crops and self.crop_to_aspect_ratio)
        )
        if crops and isinstance(inputs, dict):
            raise ValueError(
                "`inputs` must be images alone where `crop_fraction` or `crop_order` crops them "
                "after resizing: boxes and masks are not cropped. "
                f"Received: a dict with {', '.join(map(repr, inputs))}"
            )
        outputs = super().call(inputs)
        if crops and not resizes_then_crops:
            return keras.tree.map_structure(self._crop, outputs)
        return outputs

    def _crop(self, images: Any) -> Any:
        resized = (self.resizing.height, self.resizing.width)
        starts = map(crop_start, resized, self.image_size)
        rows, columns = (
            slice(start, start + side) for start, side in zip(starts, self.image_size, strict=True)
        )
        if self.data_format == "channels_first":
            return images[..., rows, columns]
        return images[..., rows, columns, :]

    def _check_shape(self, shape: tuple) -> None:
        if len(shape) not in (3, 4):
            raise ValueError(
                "`images` must be an image, of rank 3, or a batch of them, of rank 4. "
                f"Received: shape={shape}"
            )
        channels = shape[-1 if self.data_format == "channels_last" else -3]
        for name, values in (("scale", self.scale), ("offset", self.offset)):
            # The multiplication would broadcast one channel to three silently.
            if isinstance(values, Sequence) and channels not in (None, len(values)):
                raise ValueError(
                    f"`images` must have {len(values)} channels, one for each entry of the "
                    f"converter's `{name}`, in {self.data_format} order. Convert grayscale or "
                    f"transparent images to RGB first. Received: shape={shape}"
                )

    @classmethod
    def config_schema(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A JSON Schema of the config, by which presets are checked before they are built."""
        schema = layer_schema(
            image_size={**list_of(integer(1, 1 << 14), 2, 2), "type": ["array", "null"]},
            scale=_PER_CHANNEL,
            offset=_PER_CHANNEL,
            interpolation={"enum": [*_INTERPOLATIONS]},
            antialias=BOOLEAN,
            crop_to_aspect_ratio=BOOLEAN,
            pad_to_aspect_ratio=BOOLEAN,
            bounding_box_format={"type": "string", "pattern": r"^[a-z_]{1,32}\Z"},
            data_format=DATA_FORMAT,
            crop_fraction={"type": "number", "exclusiveMinimum": 0, "maximum": 1},
            crop_order={"enum": [*_CROP_ORDERS]},
        )
        if config.get("crop_to_aspect_ratio", True):
            # KerasHub accepts only one of the two.
            schema["properties"]["pad_to_aspect_ratio"] = {"const": False}
        return schema

    def get_config(self):
        config = super().get_config()
        # KerasHub leaves the data format out.
        config |= {"data_format": self.data_format, "crop_fraction": self.crop_fraction}
        if self.crop_order != _CROP_ORDERS[0]:
            config["crop_order"] = self.crop_order
        return config
