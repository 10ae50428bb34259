"""Folding of batch norm into the convolutions before it, for the same outputs in less time."""

from collections.abc import Container

import keras
import numpy as np

from keras_resblocks_plugin._utils._weight_differences import weight_differences
from keras_resblocks_plugin.lora._merging import merged_weights
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._backbone_state import NOT_IN_PRESETS
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.transforms._norm_pairs import conv_norm_pairs


def fold_batch_norm(
    model: ResBlockBackbone | ResBlockImageClassifier,
) -> ResBlockBackbone | ResBlockImageClassifier:
    """Returns a new model without batch norm that computes the same at inference.

    Every batch norm that follows a convolution is multiplied into its kernel and added to its
    bias. The new model is of the same class, with `block_kwargs={"normalization": None}`. It
    keeps the head, the class names, the preprocessor and the frozen weights, and it saves and
    loads as a preset. LoRA is merged. `model` is not changed.

    The convolution before each norm is found by tracing the blocks, so that a block class of
    your own can be folded too if it computes with layers and `keras.ops`.

    The new weights are computed in float64 and stored in the precision of the model. Weights of
    a float16 or bfloat16 model are rounded once more, and its outputs differ by as much. If that
    matters, load the model with `dtype="float32"` before folding.

    Args:
        model: A `krp.ResBlockBackbone` or a `krp.ResBlockImageClassifier`.

    Returns:
        The new model.

    Raises:
        ValueError: If `model` is of another class or has no batch norm, or if one of its
            norms does not follow a convolution, as in the pre-activation blocks.

    Example:

    ```python
    classifier = krp.ResBlockImageClassifier.from_preset("resblock_bn_small")
    folded = krp.fold_batch_norm(classifier)
    folded.save_to_preset("resblock_bn_small_folded")
    ```
    """
    if not isinstance(model, ResBlockBackbone | ResBlockImageClassifier):
        raise ValueError(
            "`model` must be a `ResBlockBackbone` or a `ResBlockImageClassifier`; for another "
            f"task, fold its backbone. Received: {type(model).__name__}"
        )
    backbone = model.backbone if isinstance(model, ResBlockImageClassifier) else model
    weights = merged_weights(model)
    for conv, norm in conv_norm_pairs(backbone):
        _fold(weights, conv, norm)
    folded = _without_norms(backbone, weights)
    if backbone is not model:
        folded = type(model).from_config({**model.get_config(), "backbone": folded})
    _assign(folded, weights)
    return folded


def _fold(weights: dict[str, np.ndarray], conv: keras.Layer, norm: keras.Layer) -> None:
    """Replaces the weights of a convolution and its norm by those of a convolution alone."""

    def take(layer, name, default=None):
        value = weights.pop(f"{layer.path}/{name}", default)
        return np.asarray(value, "float64")

    scale = take(norm, "gamma", 1.0) / np.sqrt(take(norm, "moving_variance") + norm.epsilon)
    bias = take(conv, "bias", 0.0) - take(norm, "moving_mean")
    weights[f"{conv.path}/kernel"] = take(conv, "kernel") * scale
    weights[f"{conv.path}/bias"] = bias * scale + take(norm, "beta", 0.0)


def _without_norms(backbone: ResBlockBackbone, paths: Container[str]) -> ResBlockBackbone:
    config = backbone.get_config()
    # LoRA is in the merged weights.
    config.pop(NOT_IN_PRESETS, None)
    frozen = [path for path in config.pop("frozen", ()) if path in paths]
    if frozen:
        config["frozen"] = frozen
    config["block_kwargs"] = {**config["block_kwargs"], "normalization": None}
    try:
        return type(backbone).from_config(config)
    except TypeError as error:
        raise ValueError(
            f"`block_type` {backbone.block_type!r} must take `normalization=None` to be written "
            f"without batch norm. Received: {error}"
        ) from error


def _assign(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Assigns all of the weights, and zero to biases that the source does not have."""
    variables = {variable.path: variable for variable in model.weights}
    expected = {
        path: variable.shape
        for path, variable in variables.items()
        if path in weights or not path.endswith("/bias")
    }
    found = {path: array.shape for path, array in weights.items()}
    if differences := weight_differences(expected, found):
        raise ValueError(
            "`block_type` must build the same layers with `normalization=None`, except for the "
            f"norms, under constant names. {differences}"
        )
    for path, variable in variables.items():
        variable.assign(weights.get(path, np.zeros(variable.shape)))
