"""The batch norms of a backbone, each with the convolution that it can be folded into."""

from collections import Counter
from collections.abc import Iterator

import keras

from keras_resblocks_plugin._utils._kerashub import calls, flatten_layers
from keras_resblocks_plugin.blocks import ResidualBlock
from keras_resblocks_plugin.blocks._trace import trace_block
from keras_resblocks_plugin.layers._convolution import SymmetricConv2D
from keras_resblocks_plugin.layers._normalization import FreezableBatchNormalization
from keras_resblocks_plugin.layers._same_padding import SamePaddedConv2D
from keras_resblocks_plugin.models._backbone import ResBlockBackbone

# Subclasses of these may compute something else, a standardized kernel for instance.
_CONVOLUTIONS = (keras.layers.Conv2D, SymmetricConv2D, SamePaddedConv2D)
_NORMS = (keras.layers.BatchNormalization, FreezableBatchNormalization)


def conv_norm_pairs(backbone: ResBlockBackbone) -> list[tuple[keras.Layer, keras.Layer]]:
    """Returns every batch norm with the convolution before it, as layers of a copy.

    Raises:
        ValueError: If there is no batch norm, or one of them cannot be folded into a convolution.
    """
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
