"""The layers and operations that a block applies, found by tracing it."""

from collections.abc import Callable
from typing import Any

import keras

from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


def trace_block(
    block: ResidualBlock, function: Callable[[Any], Any] | None = None
) -> keras.Function:
    """Traces what a block computes from its symbolic input.

    Layers remember every symbolic call, so trace a block of a copy of a model. The code of a
    block may use layers and `keras.ops` alone; whatever it raises otherwise is not caught.

    Args:
        block: A block that has been called in a functional model.
        function: The method of the block to trace, such as `block.residual`. Defaults to
            `block.call`.

    Returns:
        The graph, of which `operations` are in the order of the calls.
    """
    return keras.Function(block.input, (function or block.call)(block.input))
