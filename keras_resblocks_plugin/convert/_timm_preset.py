"""timm's files as a preset of this package: its configs are made from timm's `config.json`."""

import functools
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_resblocks_plugin.convert import _timm_config
from keras_resblocks_plugin.convert._architecture import read_architecture
from keras_resblocks_plugin.convert._bare_weights import BareOptions, read_bare_weights
from keras_resblocks_plugin.convert._checkpoint import CONFIG_FILE, read_tensors
from keras_resblocks_plugin.convert._input_channels import adapt_kernel, adapt_statistics
from keras_resblocks_plugin.convert._timm_files import choose_weights, find_weights
from keras_resblocks_plugin.convert._timm_labels import class_names, num_classes
from keras_resblocks_plugin.convert._timm_preprocessing import new_converter
from keras_resblocks_plugin.convert._transfer import Tensor, assign, check_tensors
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.models._image_classifier_preprocessor import (
    ResBlockImageClassifierPreprocessor,
)
from keras_resblocks_plugin.saving import _file_checks
from keras_resblocks_plugin.saving._formats import READERS
from keras_resblocks_plugin.saving._head import SavedHead
from keras_resblocks_plugin.saving._preset_files import (
    CONVERTER_FILE,
    METADATA_FILE,
    PREPROCESSOR_FILE,
    TASK_FILE,
)
from keras_resblocks_plugin.saving._preset_folder import PresetFolder

# The sizes of a network that timm saved without its arguments.
_SHOWN_BY_WEIGHTS = ("stackwise_num_filters", "stackwise_num_blocks", "image_shape")
_FIRST_KERNEL = "stem0_conv/kernel"


class TimmPreset(PresetFolder):
    """timm's weights and `config.json`, which read as a preset of this package.

    Whatever loads from an open preset loads from this one. Nothing is written.

    Args:
        path: The folder.
        source: The handle, folder or file as the user wrote it, for errors.
        file: The weights file; `None` if the weights are not needed.
        settings: Entries of timm's `pretrained_cfg` that replace those of the file.
        class_names: The class names, which replace those of the config.
        channels: The number of channels of an image. Defaults to the network's.
        options: What the user says of weights without a `config.json`.

    Raises:
        ValueError: If the network cannot be built, or if it is unknown without the weights.
    """

    def __init__(
        self,
        path: str | Path,
        source: str,
        file: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        class_names: Sequence[str] | None = None,
        channels: int | None = None,
        options: BareOptions | None = None,
    ):
        super().__init__(path)
        self.source, self.file = source, file
        self._given, self._class_names = dict(settings or {}), class_names
        self._channels = channels
        options = options or BareOptions()
        self._timm_config = _timm_config.read_config(self.path / CONFIG_FILE)
        self._is_of_imagenet = False
        if self._timm_config:
            options.refuse_with_config(source)
            self._arguments = _timm_config.backbone_arguments(self._timm_config)
            self.layout = _timm_config.layout(self._timm_config)
            if file is not None:
                shown, _ = read_architecture(self._tensors, source)
                self._arguments |= {name: shown[name] for name in _SHOWN_BY_WEIGHTS}
        else:
            bare = read_bare_weights(self._tensors, file.name, source, options)
            self._tensors, self._arguments, self.layout = bare[:3]
            self._given = bare.preprocessing | self._given
            self._is_of_imagenet = bare.is_of_imagenet
        if channels is not None:
            self._arguments = {**self._arguments, "image_shape": (None, None, channels)}

    # === The files of a preset ===
    def has(self, name: str) -> bool:
        return name in self._files

    def json(self, name: str) -> dict[str, Any]:
        return self._files[name]

    @functools.cached_property
    def _files(self) -> dict[str, dict[str, Any]]:
        backbone = _serialized(ResBlockBackbone, self._arguments)
        files = {CONFIG_FILE: backbone, METADATA_FILE: {}}
        preprocessor = None
        if self._has_preprocessing:
            preprocessor = keras.saving.serialize_keras_object(
                ResBlockImageClassifierPreprocessor(self._converter())
            )
            files[PREPROCESSOR_FILE] = preprocessor
            files[CONVERTER_FILE] = preprocessor["config"]["image_converter"]
        if self._num_classes:
            names = self._class_names or class_names(
                self._timm_config, self.source, self._num_classes, self._is_of_imagenet
            )
            head = {
                "backbone": backbone,
                "preprocessor": preprocessor,
                "num_classes": None if names else self._num_classes,
                "class_names": names,
                "pooling": _timm_config.pooling(self._timm_config),
            }
            files[TASK_FILE] = _serialized(ResBlockImageClassifier, head)
        # As if it were read from a file: with lists in place of tuples.
        return json.loads(json.dumps(files))

    @property
    def _settings(self) -> dict[str, Any]:
        settings = _timm_config.preprocessing(self._timm_config) | self._given
        return settings if self._channels is None else adapt_statistics(settings, self._channels)

    @property
    def _has_preprocessing(self) -> bool:
        # A backbone for other than color images needs none, and the defaults are for these.
        return bool(self._num_classes or self._settings.get("mean")) or self._in_chans == 3

    def _converter(self) -> Any:
        return new_converter(
            self._settings,
            self._in_chans,
            # The only networks whose stem keeps the size.
            for_cifar=self._arguments["input_conv_strides"] == [1],
        )

    @property
    def _in_chans(self) -> int:
        return self._arguments["image_shape"][-1]

    @property
    def _num_classes(self) -> int | None:
        head = f"{self.layout.layers['predictions']}.weight"
        if self.file is not None:
            return self._tensors[head].shape[0] if head in self._tensors else None
        return num_classes(self._timm_config)

    # === Weights ===
    @functools.cached_property
    def _tensors(self) -> dict[str, Tensor]:
        return read_tensors(self.file)

    def _part(self, of_head: bool) -> dict[str, Tensor]:
        start = f"{self.layout.layers['predictions']}."
        return {k: v for k, v in self._tensors.items() if k.startswith(start) == of_head}

    def _backbones(self, channels: int) -> dict[str, Tensor]:
        tensors, first = self._part(of_head=False), self.layout.name(_FIRST_KERNEL)
        if first in tensors:
            tensors[first] = adapt_kernel(tensors[first], channels)
        return tensors

    def adapted_to(
        self, image_shape: Sequence[int | None] | None, data_format: str | None
    ) -> "TimmPreset":
        channels = image_shape and image_shape[-1 if data_format != "channels_first" else 0]
        if channels in (None, self._in_chans):
            return self
        return TimmPreset(
            self.path, self.source, self.file, self._given, self._class_names, channels
        )

    def load_weights(self, backbone: keras.Model, head: SavedHead | None) -> None:
        channels = backbone.image_shape[-1 if backbone.data_format == "channels_last" else 0]
        assign(backbone, self._backbones(channels), self.layout, self.source)

    def load_head(self, task: keras.Model) -> None:
        assign(task.output_dense, self._part(of_head=True), self.layout, self.source)

    # === Checks ===
    def check(self, of_task: bool = False) -> None:
        _file_checks.check_configs(self)
        if self.file is not None:
            shapes = ResBlockBackbone.weight_shapes(self.json(CONFIG_FILE)["config"])
            check_tensors(shapes, self._backbones(self._in_chans), self.layout, self.source)

    def check_all(self) -> None:
        self.check(of_task=True)


class _TimmReader:
    def reads(self, config: dict[str, Any]) -> bool:
        return isinstance(config.get("architecture"), str) and "registered_name" not in config

    def choose_files(self, file: Path, names: Collection[str], with_weights: bool) -> list[str]:
        _timm_config.read_config(file)
        return [CONFIG_FILE, *(choose_weights(names) if with_weights else ())]

    def open(self, folder: Path, source: str, with_weights: bool) -> PresetFolder:
        return TimmPreset(folder, source, find_weights(folder, source) if with_weights else None)


def _serialized(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": cls.__module__,
        "class_name": cls.__name__,
        "config": config,
        "registered_name": keras.saving.get_registered_name(cls),
    }


READERS.append(_TimmReader())
