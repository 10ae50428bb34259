"""The private API of Keras and KerasHub that this package uses. No other module uses any."""

import contextlib
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
from keras.src.backend.common import global_state
from keras_hub.src.models.feature_pyramid_backbone import FeaturePyramidBackbone
from keras_hub.src.models.retinanet.retinanet_label_encoder import RetinaNetLabelEncoder
from keras_hub.src.utils import pipeline_model, preset_utils

__all__ = [
    "FeaturePyramidBackbone",
    "RetinaNetLabelEncoder",
    "builtin_preset_names",
    "calls",
    "flatten_layers",
    "frozen_kernel",
    "is_validation_inside_fit",
    "learnable_weights",
    "register_preset",
    "save_backbone_config",
    "set_trainable",
    "set_trainable_flag",
    "shapes_only",
    "start_at_epoch",
    "unregister_preset",
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


def weight_classes(batch: tuple, class_weight: dict[int, float]) -> tuple:
    """A batch with `class_weight` as sample weights, as Keras converts it."""
    return pipeline_model._apply_class_weight(class_weight, batch)


def is_validation_inside_fit(kwargs: Mapping[str, Any]) -> bool:
    """`True` where `fit()` calls `evaluate()` with these arguments: the data is prepared."""
    return kwargs.get("_use_cached_eval_dataset", False)


def start_at_epoch(model: keras.Model, epoch: int) -> None:
    """Makes the `fit()` that is about to begin start at an epoch. For callbacks."""
    model._initial_epoch = epoch
