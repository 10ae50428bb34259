"""The private API of Keras and KerasHub that this package uses. No other module uses any."""

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras_hub.src.models.feature_pyramid_backbone import FeaturePyramidBackbone
from keras_hub.src.models.retinanet.retinanet_label_encoder import RetinaNetLabelEncoder
from keras_hub.src.utils import pipeline_model, preset_utils

__all__ = [
    "FeaturePyramidBackbone",
    "PresetLoader",
    "RetinaNetLabelEncoder",
    "builtin_preset_names",
    "calls",
    "flatten_layers",
    "frozen_kernel",
    "is_validation_inside_fit",
    "learnable_weights",
    "register_preset",
    "replace_child",
    "save_backbone_config",
    "set_trainable",
    "set_trainable_flag",
    "shapes_only",
    "unregister_preset",
    "variable_index",
    "weight_classes",
]


def flatten_layers(model: keras.Model) -> list[keras.Layer]:
    """All layers inside `model`, at any depth, in the order of the calls."""
    found = {}

    def walk(layer):
        # Keras' own recursion reverses the order inside every inner model.
        for child in layer._flatten_layers(recursive=False, include_self=False):
            if id(child) not in found:
                found[id(child)] = child
                walk(child)

    walk(model)
    return list(found.values())


def learnable_weights(layer: keras.Layer) -> list[keras.Variable]:
    """The weights of `layer` itself that were created trainable, even if they are frozen now."""
    return list(layer._trainable_variables)


def replace_child(layer: keras.Layer, name: str, child: keras.Layer) -> None:
    """Sets the attribute `name` of `layer` to another layer, and forgets the one it held.

    Keras would track both.
    """
    layer._tracker.untrack(getattr(layer, name))
    setattr(layer, name, child)


def set_trainable(layer: keras.Layer, value: bool) -> None:
    """Sets `trainable` of `layer`, of all layers inside it, and of their weights.

    On TensorFlow, `layer.trainable = value` does nothing if the layer has that value already,
    even if some of its weights have another one.
    """
    for x in (layer, *flatten_layers(layer)):
        keras.Layer.trainable.fset(x, value)


def set_trainable_flag(layer: keras.Layer, value: bool) -> None:
    """Sets the flag that `layer.trainable` reads, without changing the weights."""
    layer._trainable = value


def frozen_kernel(layer: keras.Layer) -> keras.Variable:
    """The kernel without LoRA. `layer.kernel` is the sum, in the compute dtype."""
    return layer._kernel


def calls(function: keras.Function) -> list[tuple[Any, list, list]]:
    """Every call in a symbolic graph: the layer or operation, its inputs, and its outputs."""
    return [
        (node.operation, node.input_tensors, node.output_tensors)
        for nodes in function._nodes_by_depth.values()
        for node in nodes
    ]


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Builds layers whose variables have shapes and no values.

    Restores the state of Keras, which would initialize such variables later, and of Python's
    random generator, from which initializers draw their seeds.
    """
    pending = "uninitialized_variables"
    before, seeds = global_state.get_global_attribute(pending), random.getstate()
    global_state.set_global_attribute(pending, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute(pending, before or [])
        random.setstate(seeds)


def builtin_preset_names() -> set[str]:
    """The names of presets that are registered with KerasHub."""
    return set(preset_utils.BUILTIN_PRESETS)


def register_preset(name: str, handle: str, metadata: dict, backbone_cls: type) -> None:
    """Registers a preset with every `from_preset()` of KerasHub.

    KerasHub resolves `kaggle_handle` by the function that also takes local folders and `hf://`
    handles.
    """
    entry = {"metadata": metadata, "kaggle_handle": handle}
    preset_utils.register_presets({name: entry}, backbone_cls)


def unregister_preset(name: str, backbone_cls: type) -> None:
    """Undoes `register_preset`."""
    preset_utils.BUILTIN_PRESETS.pop(name, None)
    preset_utils.BUILTIN_PRESETS_FOR_BACKBONE[backbone_cls].pop(name, None)


def save_backbone_config(backbone: keras.Model, folder: Path) -> None:
    """Writes `config.json` and `metadata.json` with KerasHub's own saver."""
    saver = preset_utils.get_preset_saver(str(folder))
    saver._save_serialized_object(backbone, config_file=preset_utils.CONFIG_FILE)
    saver._save_metadata(backbone)


class PresetLoader(preset_utils.KerasPresetLoader):
    """KerasHub's loader of presets, which leaves reading files to its caller.

    KerasHub's own parses each JSON file whenever it needs it.

    Args:
        folder: The preset.
        read: Returns the content of a JSON file of the preset, or `None` where there is none.
        load_weights: Loads the weights of a backbone; `False` leaves it to KerasHub.
        load_head: Loads the head of a task.
    """

    def __init__(
        self,
        folder: Path,
        read: Callable[[str], dict[str, Any] | None],
        load_weights: Callable[[keras.Model], bool],
        load_head: Callable[[keras.Model], None],
    ):
        super().__init__(str(folder), read(preset_utils.CONFIG_FILE))
        self._read, self._load_weights, self._load_head = read, load_weights, load_head

    def class_for(self, cls: type) -> type:
        """`cls`, or that subclass of it which is for the preset's backbone."""
        backbone_cls = self.check_backbone_class()
        if cls.backbone_cls == backbone_cls:
            return cls
        return preset_utils.find_subclass(self.preset, cls, backbone_cls)

    def backbone_of(self, cls: type, load_weights: bool, **kwargs: Any) -> keras.Model:
        """The preset's backbone, which must be a `cls`."""
        backbone_cls = self.check_backbone_class()
        if not issubclass(backbone_cls, cls):
            raise ValueError(
                f"`from_preset()` must be called on a class of the preset's backbone, "
                f"`{backbone_cls.__name__}`. Received: `{cls.__name__}`"
            )
        return self.load_backbone(backbone_cls, load_weights, **kwargs)

    def load_task(self, cls, load_weights, load_task_weights, **kwargs):
        config = self._read(preset_utils.TASK_CONFIG_FILE)
        if config is None or not issubclass(preset_utils.check_config_class(config), cls):
            return preset_utils.PresetLoader.load_task(
                self, cls, load_weights, load_task_weights, **kwargs
            )
        kwargs["dtype"] = self._resolve_dtype(self.config, kwargs)
        backbone_kwargs, kwargs = self.get_backbone_kwargs(**kwargs)
        if "backbone" in config["config"]:
            config["config"]["backbone"]["config"].update(backbone_kwargs)
        task = self._load_serialized_object(config, **kwargs)
        if hasattr(task.preprocessor, "load_preset_assets"):
            task.preprocessor.load_preset_assets(self.preset)
        if load_weights:
            preset_utils.jax_memory_cleanup(task if load_task_weights else task.backbone)
            if load_task_weights:
                self._load_head(task)
            self._load_backbone_weights(task.backbone)
        return task

    def load_preprocessor(self, cls, config_file=preset_utils.PREPROCESSOR_CONFIG_FILE, **kwargs):
        config = self._read(config_file)
        if config is None or not issubclass(preset_utils.check_config_class(config), cls):
            return preset_utils.PresetLoader.load_preprocessor(self, cls, **kwargs)
        preprocessor = self._load_serialized_object(config, **kwargs)
        if hasattr(preprocessor, "load_preset_assets"):
            preprocessor.load_preset_assets(self.preset)
        return preprocessor

    def load_image_converter(self, cls, **kwargs):
        config = self._read(preset_utils.IMAGE_CONVERTER_CONFIG_FILE)
        if config is None:
            raise FileNotFoundError(
                f"`{preset_utils.IMAGE_CONVERTER_CONFIG_FILE}` doesn't exist in preset directory "
                f"`{self.preset}`."
            )
        return self._load_serialized_object(config, **kwargs)

    def _load_backbone_weights(self, backbone):
        if not self._load_weights(backbone):
            super()._load_backbone_weights(backbone)


def weight_classes(batch: tuple, class_weight: dict[int, float]) -> tuple:
    """A batch with `class_weight` as sample weights, as Keras converts it."""
    return pipeline_model._apply_class_weight(class_weight, batch)


def is_validation_inside_fit(kwargs: Mapping[str, Any]) -> bool:
    """`True` where `fit()` calls `evaluate()` with these arguments: the data is prepared."""
    return kwargs.get("_use_cached_eval_dataset", False)


def variable_index(optimizer: keras.Optimizer, variable: Any) -> int:
    """The place of a variable among those that the optimizer was built for.

    `update_step()` gets TensorFlow's own variables on TensorFlow, and Keras' elsewhere.
    """
    return optimizer._get_variable_index(variable)
