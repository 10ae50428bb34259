"""Weights and preprocessing of color images for images with other channels, as timm adapts them."""

from typing import Any, NamedTuple

import numpy as np

from keras_resblocks_plugin.convert._transfer import Tensor

_COLORS = 3


class AdaptedKernel(NamedTuple):
    """The first kernel of a network for color images, for images with other channels.

    One channel gets the sum over the colors. Several repeat the colors in turn, scaled so that the
    sum over the channels keeps its size.
    """

    tensor: Tensor
    channels: int

    @property
    def shape(self) -> tuple[int, ...]:
        filters, _, *window = self.tensor.shape
        return (filters, self.channels, *window)

    def read(self, dtype: str = "float32") -> np.ndarray:
        kernel = self.tensor.read()
        if self.channels == 1:
            return kernel.sum(axis=1, keepdims=True)
        repeated = kernel[:, np.arange(self.channels) % _COLORS]
        return repeated * (_COLORS / self.channels)


def adapt_kernel(tensor: Tensor, channels: int) -> Tensor:
    """Returns the first kernel for images with this number of channels.

    A kernel of other than three channels stays what it is.
    """
    is_adapted = len(tensor.shape) == 4 and tensor.shape[1] == _COLORS != channels
    return AdaptedKernel(tensor, channels) if is_adapted else tensor


def adapt_statistics(preprocessing: dict[str, Any], channels: int) -> dict[str, Any]:
    """Returns the preprocessing with a mean and a standard deviation for each channel.

    One channel gets the averages over the colors, and several repeat them in turn.
    """

    def adapted(values: Any) -> Any:
        if not isinstance(values, list | tuple) or len(values) != _COLORS:
            return values
        if channels == 1:
            return [sum(values) / _COLORS]
        return [values[channel % _COLORS] for channel in range(channels)]

    defaults = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    return preprocessing | {
        name: adapted(preprocessing.get(name) or value) for name, value in defaults.items()
    }
