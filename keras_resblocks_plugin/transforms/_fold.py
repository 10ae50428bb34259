"""Folding of batch norm into the convolutions before it, for the same outputs in less time."""

from collections import Counter
from collections.abc import Container, Iterator

import keras
import numpy as np

from keras_resblocks_plugin._utils._kerashub import calls, flatten_layers
from keras_resblocks_plugin.blocks import ResidualBlock
from keras_resblocks_plugin.blocks._trace import trace_block
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._normalization import FreezableBatchNormalization
from keras_resblocks_plugin.lora._merging import merged_weights
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._backbone_state import NOT_IN_PRESETS
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier

# Subclasses of these may compute something else, a standardized kernel for instance.
_CONVOLUTIONS = (keras.layers.Conv2D, SymmetricConv2D)
_NORMS = (keras.layers.BatchNormalization, FreezableBatchNormalization)


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
    for conv, norm in _pairs(backbone):
        _fold(weights, conv, norm)
    folded = _without_norms(backbone, weights)
    if backbone is not model:
        folded = type(model).from_config({**model.get_config(), "backbone": folded})
    _assign(folded, weights)
    return folded


def _pairs(backbone: ResBlockBackbone) -> list[tuple[keras.Layer, keras.Layer]]:
    """Returns every batch norm with the convolution before it, as layers of a copy."""
    # A copy, because layers remember every symbolic call that is made of them.
    twin = type(backbone).from_config(backbone.get_config())
    norms = [x for x in flatten_layers(twin) if isinstance(x, keras.layers.BatchNormalization)]
    received = f"Received: block_type={backbone.block_type!r}, block_kwargs={backbone.block_kwargs}"
    if not norms:
        raise ValueError(
            f"`model` has no batch norm, so nothing can be folded: use it as it is. {received}"
        )
    try:
        blocks = [x for x in twin.layers if isinstance(x, ResidualBlock)]
        pairs = [pair for graph in (*map(_inside, blocks), twin) for pair in _pairs_of_graph(graph)]
        for norm in norms:
            if not any(norm is paired for _, paired in pairs):
                raise _Unfoldable(norm, "it is applied inside of another layer, which hides it")
    except _Unfoldable as error:
        raise ValueError(f"{error}. {received}") from error.__cause__
    return pairs


class _Unfoldable(Exception):
    def __init__(self, layer: keras.Layer, reason: str):
        super().__init__(f"`{layer.path}` cannot be folded into a convolution: {reason}")


def _inside(block: ResidualBlock) -> keras.Function:
    """Returns the graph of a block."""
    try:
        return trace_block(block)
    except Exception as error:
        # The code of a user's block may raise anything when it gets a symbolic tensor.
        reason = f"it cannot be traced, which takes layers and `keras.ops` alone ({error})"
        raise _Unfoldable(block, reason) from error


def _pairs_of_graph(graph: keras.Function) -> Iterator[tuple[keras.Layer, keras.Layer]]:
    times, readers, producers = Counter(), Counter(map(id, graph.outputs)), {}
    for layer, inputs, outputs in calls(graph):
        times[layer] += 1
        readers.update(map(id, inputs))
        producers |= {id(tensor): layer for tensor in outputs}
    for tensor in graph.inputs:
        producers.pop(id(tensor), None)

    for norm, inputs, _ in calls(graph):
        if not isinstance(norm, keras.layers.BatchNormalization):
            continue
        conv = producers.get(id(inputs[0]))
        if conv is None:
            raise _Unfoldable(
                norm,
                "it normalizes the input of its block, and no convolution of the block; "
                "pre-activation blocks cannot be written without batch norm",
            )
        if type(norm) not in _NORMS or type(conv) not in _CONVOLUTIONS:
            raise _Unfoldable(
                norm,
                f"it is a {type(norm).__name__} behind `{conv.name}`, a {type(conv).__name__}, and "
                "not a BatchNormalization behind a Conv2D",
            )
        if conv.activation is not keras.activations.linear:
            raise _Unfoldable(norm, f"`{conv.name}` applies an activation before it")
        if times[norm] > 1 or times[conv] > 1 or readers[id(inputs[0])] > 1:
            raise _Unfoldable(norm, f"it, or `{conv.name}` before it, is used more than once")
        yield conv, norm


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
    unexpected = sorted(weights.keys() - variables.keys())
    missing = sorted(
        path for path in variables.keys() - weights.keys() if not path.endswith("/bias")
    )
    if unexpected or missing:
        raise ValueError(
            "`block_type` must build the same layers with `normalization=None`, but for the norms, "
            f"under constant names. Only with batch norm: {unexpected}. Only without: {missing}."
        )
    for path, variable in variables.items():
        variable.assign(weights.get(path, np.zeros(variable.shape)))
