"""Transfer of weights between this package's layout and another, strict and all-or-nothing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import keras
import numpy as np

from keras_resblocks_plugin._utils._weight_differences import weight_differences
from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.lora._merging import merged_weights


class Tensor(Protocol):
    """A tensor whose shape is known before its values are read."""

    shape: tuple[int, ...]

    def read(self) -> np.ndarray:
        """Returns the values as float32."""


class LoadedTensor(NamedTuple):
    """A tensor in memory."""

    array: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def read(self) -> np.ndarray:
        return self.array.astype("float32", copy=False)


def assign(
    model: keras.Model, tensors: Mapping[str, Tensor], layout: Layout, source: str
) -> keras.Model:
    """Assigns the weights of another library to a model.

    Args:
        model: The model.
        tensors: All weights of the source, by their names in `layout`.
        layout: The layout of the source.
        source: The source, for the error.

    Returns:
        `model`.

    Raises:
        ValueError: If a weight is missing, unexpected or misshaped. All such weights are listed,
            and none is assigned.
    """
    variables = {layout.name(weight.path): weight for weight in model.weights}
    needed = {name: _their_shape(weight, layout) for name, weight in variables.items()}
    there = {name: tensor.shape for name, tensor in tensors.items()}
    if problems := weight_differences(expected=needed, found=there):
        raise ValueError(
            f"The weights of `{source}` do not match the {_described(model)} that they "
            f"resemble, so nothing was converted. {problems}"
        )
    for name, variable in variables.items():
        array = tensors[name].read()
        variable.assign(np.ascontiguousarray(array.transpose(_our_axes(array.ndim, layout))))
    return model


def named_weights(model: keras.Model, layout: Layout) -> dict[str, np.ndarray]:
    """Returns the weights of a model by their names and with their axes in `layout`.

    LoRA is merged.
    """
    return {
        layout.name(path): np.ascontiguousarray(array.transpose(_their_axes(array.ndim, layout)))
        for path, array in merged_weights(model).items()
    }


def _our_axes(ndim: int, layout: Layout) -> Sequence[int]:
    return layout.axes.get(ndim, range(ndim))


def _their_axes(ndim: int, layout: Layout) -> Sequence[int]:
    return np.argsort(_our_axes(ndim, layout))


def _their_shape(variable: keras.Variable, layout: Layout) -> tuple[int, ...]:
    return tuple(variable.shape[axis] for axis in _their_axes(len(variable.shape), layout))


def _described(model: keras.Model) -> str:
    backbone = getattr(model, "backbone", model)
    blocks, filters = backbone.stackwise_num_blocks, backbone.stackwise_num_filters
    return f"residual network of `{backbone.block_type}` blocks {blocks} with filters {filters}"
