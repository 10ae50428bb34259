"""All that this package needs of private API, KerasHub's and Keras', in one place."""

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
    """All layers inside `model`, those inside other layers too, in the order of the calls."""
    found = {}

    def walk(layer):
        # Keras' own recursion turns the order of every inner model around.
        for child in layer._flatten_layers(recursive=False, include_self=False):
            if id(child) not in found:
                found[id(child)] = child
                walk(child)

    walk(model)
    return list(found.values())


def learnable_weights(layer: keras.Layer) -> list[keras.Variable]:
    """The weights of `layer` itself that were created to learn, whether they do now or not."""
    return list(layer._trainable_variables)


def set_trainable(layer: keras.Layer, value: bool) -> None:
    """Sets `trainable` of `layer` and of all inside it, and so all their weights.

    On TensorFlow, `layer.trainable = value` does nothing where a flag has that value already,
    although weights may have another.
    """
    for x in (layer, *flatten_layers(layer)):
        keras.Layer.trainable.fset(x, value)


def set_trainable_flag(layer: keras.Layer, value: bool) -> None:
    """Sets what `layer.trainable` reads, and leaves its weights alone."""
    layer._trainable = value


def frozen_kernel(layer: keras.Layer) -> keras.Variable:
    """The kernel that LoRA adds to. `layer.kernel` is the sum, in the precision of computations."""
    return layer._kernel


def calls(function: keras.Function) -> list[tuple[Any, list, list]]:
    """Every call in a symbolic graph: the layer or operation, what it reads, what it gives."""
    return [
        (node.operation, node.input_tensors, node.output_tensors)
        for nodes in function._nodes_by_depth.values()
        for node in nodes
    ]


@contextlib.contextmanager
def shapes_only() -> Iterator[None]:
    """Lets layers that are built inside have variables with shapes, and without values.

    Leaves no trace: Keras would give such variables their values at the next occasion, and
    initializers draw their seeds from Python's generator.
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
    """The names that `from_preset()` of KerasHub knows already."""
    return set(preset_utils.BUILTIN_PRESETS)


def register_preset(name: str, handle: str, metadata: dict, backbone_cls: type) -> None:
    """Makes `name` known to every `from_preset()` of KerasHub.

    KerasHub passes `kaggle_handle` to the function that also resolves local folders
    and `hf://` handles.
    """
    entry = {"metadata": metadata, "kaggle_handle": handle}
    preset_utils.register_presets({name: entry}, backbone_cls)


def unregister_preset(name: str, backbone_cls: type) -> None:
    """Takes back what `register_preset` did."""
    preset_utils.BUILTIN_PRESETS.pop(name, None)
    preset_utils.BUILTIN_PRESETS_FOR_BACKBONE[backbone_cls].pop(name, None)


def save_backbone_config(backbone: keras.Model, folder: Path) -> None:
    """Writes `config.json` and `metadata.json` as KerasHub's own saver does."""
    saver = preset_utils.get_preset_saver(str(folder))
    saver._save_serialized_object(backbone, config_file=preset_utils.CONFIG_FILE)
    saver._save_metadata(backbone)


def weight_classes(batch: tuple, class_weight: dict[int, float]) -> tuple:
    """A batch with the weight of each image's class, as Keras makes `class_weight` into it."""
    return pipeline_model._apply_class_weight(class_weight, batch)


def is_validation_inside_fit(kwargs: Mapping[str, Any]) -> bool:
    """`True` where `fit()` calls `evaluate()` with these arguments: the data is prepared."""
    return kwargs.get("_use_cached_eval_dataset", False)


def start_at_epoch(model: keras.Model, epoch: int) -> None:
    """Makes the `fit()` that is about to begin start at an epoch. For callbacks."""
    model._initial_epoch = epoch
