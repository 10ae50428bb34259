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
    model: keras.Model | keras.Layer, tensors: Mapping[str, Tensor], layout: Layout, source: str
) -> keras.Model | keras.Layer:
    """Assigns the weights of another library to a model or layer.

    Args:
        model: The model, or the dense layer of its head.
        tensors: All weights of the source, by their names in `layout`.
        layout: The layout of the source.
        source: The source, for the error.

    Returns:
        `model`.

    Raises:
        ValueError: If a weight is missing, unexpected or misshaped. All such weights are listed,
            and none is assigned.
    """
    check_tensors({weight.path: weight.shape for weight in model.weights}, tensors, layout, source)
    for variable in model.weights:
        array = tensors[layout.name(variable.path)].read()
        variable.assign(np.ascontiguousarray(array.transpose(_our_axes(array.ndim, layout))))
    return model


def check_tensors(
    shapes: Mapping[str, Sequence[int]],
    tensors: Mapping[str, Tensor],
    layout: Layout,
    source: str,
) -> None:
    """Checks that weights of another library are those of a model of this package.

    Args:
        shapes: The shapes of the model's weights, by weight path.
        tensors: All weights of the source, by their names in `layout`.
        layout: The layout of the source.
        source: The source, for the error.

    Raises:
        ValueError: If a weight is missing, unexpected or misshaped. All such weights are listed.
    """
    needed = {layout.name(path): _their_shape(shape, layout) for path, shape in shapes.items()}
    there = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if problems := weight_differences(expected=needed, found=there):
        raise ValueError(
            f"The weights of `{source}` do not match the residual network that they resemble, so "
            f"nothing was converted. {problems}"
        )


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


def _their_shape(shape: Sequence[int], layout: Layout) -> tuple[int, ...]:
    return tuple(shape[axis] for axis in _their_axes(len(shape), layout))
