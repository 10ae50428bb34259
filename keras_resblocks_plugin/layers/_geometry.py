"""Axes, shapes and padding of images and feature maps, in both data formats."""

from typing import Any

from keras import ops


def channel_axis(data_format: str) -> int:
    """Returns the axis of the channels of a rank-4 tensor."""
    return 3 if data_format == "channels_last" else 1


def spatial_axes(data_format: str) -> tuple[int, int]:
    """Returns the axes of height and width of a rank-4 tensor."""
    return (1, 2) if data_format == "channels_last" else (2, 3)


def strided_shape(shape: tuple, strides: int, filters: int, data_format: str) -> tuple:
    """Returns the shape after a symmetrically padded window of odd size: `ceil(size / strides)`."""
    shape = list(shape)
    for axis in spatial_axes(data_format):
        if shape[axis] is not None:
            shape[axis] = -(-shape[axis] // strides)
    shape[channel_axis(data_format)] = filters
    return tuple(shape)


def pad_pixels(x: Any, before: int, after: int, data_format: str, value: float = 0.0) -> Any:
    """Pads height and width, with zeros by default."""
    widths = [[0, 0]] * 4
    for axis in spatial_axes(data_format):
        widths[axis] = [before, after]
    return ops.pad(x, widths, constant_values=value)


def pad_channels(x: Any, filters: int, strides: int, data_format: str) -> Any:
    """Takes every `strides`-th pixel and adds zero channels, half before and half after."""
    steps = [slice(None)] * 4
    for axis in spatial_axes(data_format):
        steps[axis] = slice(None, None, strides)
    axis = channel_axis(data_format)
    missing = filters - x.shape[axis]
    widths = [[0, 0]] * 4
    widths[axis] = [missing // 2, missing - missing // 2]
    return ops.pad(x[tuple(steps)], widths)
