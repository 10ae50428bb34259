"""The number of multiply-adds of a backbone."""

import math

import keras

from keras_resblocks_plugin._utils._kerashub import calls
from keras_resblocks_plugin._utils._validation import check_positive_int
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock
from keras_resblocks_plugin.blocks._trace import trace_block
from keras_resblocks_plugin.layers._geometry import channel_axis
from keras_resblocks_plugin.models._backbone import ResBlockBackbone


def multiply_adds(model: keras.Model, image_size: int) -> int:
    """Counts the multiplications of a backbone's convolutions for one square image.

    The other layers add a few percent.

    Args:
        model: A `krp.ResBlockBackbone` with blocks of any type, or a
            `krp.ResBlockImageClassifier`, whose head is not counted.
        image_size: int. The side of the image in pixels.

    Returns:
        The number of multiplications, each with its addition.

    Raises:
        ValueError: If the model has no `krp.ResBlockBackbone`.

    Example:

    ```python
    backbone = krp.ResBlockBackbone.from_preset("resblock_bn_small")
    krp.diagnostics.multiply_adds(backbone, image_size=64)  # 35,749,888
    ```
    """
    image_size = check_positive_int("image_size", image_size)
    backbone = getattr(model, "backbone", model)
    if not isinstance(backbone, ResBlockBackbone):
        raise ValueError(
            "`model` must be a `krp.ResBlockBackbone` or a `krp.ResBlockImageClassifier`. "
            f"Received: {type(model).__name__}"
        )
    shape = [image_size] * 3
    axis = channel_axis(backbone.data_format) - 1
    shape[axis] = backbone.image_shape[axis]
    copy = type(backbone).from_config({**backbone.get_config(), "image_shape": shape})
    blocks = [layer for layer in copy.layers if isinstance(layer, ResidualBlock)]
    return sum(map(_count, (copy, *map(trace_block, blocks))))


def _count(graph: keras.Function) -> int:
    """Counts the multiplications of the convolutions that a graph calls itself."""
    total = 0
    for layer, _, outputs in calls(graph):
        if isinstance(layer, keras.layers.Conv2D):
            pixels = math.prod(outputs[0].shape[1:]) // layer.filters
            total += math.prod(layer.kernel.shape) * pixels
    return total
