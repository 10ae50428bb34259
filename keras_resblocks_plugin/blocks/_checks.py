"""Checks of a block's arguments, of its input, and of what a subclass builds."""

import numbers
from typing import Any

import keras

from keras_resblocks_plugin.layers._geometry import channel_axis


def check_drop_path_rate(value: Any) -> float:
    """Returns `value` as a float if it is a probability below 1."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value < 1:
        raise ValueError(
            "`drop_path_rate` must be a number in [0, 1): the chance that a sample "
            f"skips the residual branch. Received: drop_path_rate={value!r}"
        )
    return float(value)


def check_zero_init(block: keras.Layer) -> None:
    """Refuses a zero initialization behind an activation that may stop every gradient."""
    is_linear = block.activation is keras.activations.linear
    if block.zero_init_residual and block.ends_in_activation and not is_linear:
        activation = getattr(block.activation, "__name__", block.activation)
        raise ValueError(
            f"`zero_init_residual` needs `activation=None` in `{type(block).__name__}`: its "
            "residual branch ends in the activation, behind which a zero convolution may never "
            f"learn. Received: zero_init_residual=True, activation={activation!r}"
        )


def check_input_shape(shape: tuple, data_format: str) -> None:
    """Checks that a block can be built on inputs of this shape."""
    if len(shape) != 4:
        raise ValueError(
            "`inputs` of a residual block must have rank 4, a batch of images or "
            f"feature maps. Received: input_shape={tuple(shape)}"
        )
    if shape[channel_axis(data_format)] is None:
        raise ValueError(
            "`inputs` must have a known number of channels, and `data_format` is "
            f"{data_format!r}. Received: input_shape={tuple(shape)}"
        )


def check_residual_shape(block: keras.Layer, shape: tuple, expected: tuple) -> None:
    """Checks that the residual branch of a block can be added to its shortcut."""
    if tuple(shape) != expected:
        raise ValueError(
            f"The residual branch of `{type(block).__name__}` must end in shape "
            f"{expected}: `filters * expansion` channels and `ceil(size / strides)` "
            f"in space. Received: {tuple(shape)} from `build_residual()`"
        )


def check_attention(block: keras.Layer) -> None:
    """Checks that a block with `attention` has created the layer."""
    if block.attention_config is not None and not hasattr(block, "attention"):
        raise ValueError(
            f"`attention` needs a block that applies it, which `{type(block).__name__}` does not: "
            "create `self.attention = self.new_attention()` in `build_residual()`, build it last, "
            f"and call it in `residual()`. Received: attention={block.attention_config!r}"
        )


def check_weight_paths(block: keras.Layer) -> None:
    """Checks that the paths by which presets store the weights of a block are unique."""
    paths = [weight.path for weight in block.weights]
    repeated = sorted({path for path in paths if paths.count(path) > 1})
    if repeated:
        raise ValueError(
            f"The layers of `{type(block).__name__}` must have different names, by which "
            f"presets store their weights. Received: several at {', '.join(repeated)}"
        )
