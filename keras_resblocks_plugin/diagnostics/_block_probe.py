"""Measurements of residual blocks in one forward pass.

Blocks are watched while the model runs, and not traced, so that the model stays as it is and the
code of a user's block may do anything.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_resblocks_plugin._utils._kerashub import flatten_layers
from keras_resblocks_plugin.blocks import ResidualBlock


def named_blocks(model: keras.Model) -> dict[str, ResidualBlock]:
    """Returns the residual blocks at any depth of a model, by name.

    Names are numbered where they are not unique.

    Raises:
        ValueError: If there are no residual blocks.
    """
    blocks = [layer for layer in flatten_layers(model) if isinstance(layer, ResidualBlock)]
    if not blocks:
        raise ValueError(
            "`ResidualDiagnostics` needs a model with residual blocks, such as one on a "
            f"`krp.ResBlockBackbone`. Received: {model!r}"
        )
    names = [block.name for block in blocks]
    if len(set(names)) < len(names):
        names = [f"{index}_{name}" for index, name in enumerate(names)]
    return dict(zip(names, blocks, strict=True))


def probe_blocks(model: keras.Model, images: Any) -> dict[str, "BlockRecord"]:
    """Calls the model once, as in inference, and records each block's branches and activations."""
    records = {name: BlockRecord() for name in named_blocks(model)}
    with contextlib.ExitStack() as stack:
        for block, record in zip(named_blocks(model).values(), records.values(), strict=True):
            stack.enter_context(_recording(block, record))
        model(images, training=False)
    return records


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> float:
    """Divides two norms: 0 where both are zero."""
    if numerator == 0:
        return 0.0
    return float(numerator / denominator) if denominator else float("inf")


class BlockRecord:
    """The norms of both terms of a block's sum, and the channels that are ever non-zero."""

    def __init__(self):
        self.squares = np.zeros(2)
        self.alive = []

    def add_branches(self, branches: tuple[Any, Any]) -> None:
        squares = [ops.sum(ops.square(ops.cast(branch, "float32"))) for branch in branches]
        self.squares += [float(ops.convert_to_numpy(square)) for square in squares]

    def add_activation(self, x: Any, axis: int) -> None:
        others = [i for i in range(len(x.shape)) if i != axis % len(x.shape)]
        self.alive.append(ops.convert_to_numpy(ops.any(ops.not_equal(x, 0), axis=others)))

    @property
    def residual_ratio(self) -> float:
        shortcut, residual = np.sqrt(self.squares)
        return ratio(residual, shortcut)

    @property
    def dead_units(self) -> float:
        return 1 - float(np.mean(np.concatenate(self.alive))) if self.alive else 0.0


@contextlib.contextmanager
def _recording(block: ResidualBlock, record: BlockRecord) -> Iterator[None]:
    """Records the outputs of the block's own `branches` and activations."""
    axis = -1 if block.data_format == "channels_last" else 1
    branches, attributes = block.branches, vars(block)

    def recorded_branches(*args, **kwargs):
        terms = branches(*args, **kwargs)
        record.add_branches(terms)
        return terms

    def recorded(activation):
        def activate(x):
            x = activation(x)
            record.add_activation(x, axis)
            return x

        return activate

    watched = {"branches": recorded_branches}
    for name in ("activation", "output_activation"):
        if getattr(block, name) is not keras.activations.linear:
            watched[name] = recorded(getattr(block, name))
    before = {name: attributes[name] for name in watched if name in attributes}
    # Keras' `__setattr__` would track the values, and refuse them in a built layer.
    attributes.update(watched)
    try:
        yield
    finally:
        for name in watched:
            del attributes[name]
        attributes.update(before)
