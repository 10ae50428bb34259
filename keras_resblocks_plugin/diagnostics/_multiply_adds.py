"""The number of multiply-adds of a backbone."""

import math

import keras

import keras_resblocks_plugin as krp


def multiply_adds(backbone: krp.ResBlockBackbone, image_size: int) -> int:
    """Counts the multiplications of the convolutions for one square image.

    The other layers add a few percent.

    Args:
        backbone: The backbone, of any block type.
        image_size: The side of the image in pixels.
    """
    channels = backbone.image_shape[-1 if backbone.data_format == "channels_last" else 0]
    shape = [image_size, image_size]
    shape.insert(2 if backbone.data_format == "channels_last" else 0, channels)
    sized = krp.ResBlockBackbone.from_config({**backbone.get_config(), "image_shape": shape})
    total = 0
    for layer in sized.layers:
        if isinstance(layer, krp.blocks.ResidualBlock):
            inputs = keras.Input(batch_shape=layer.input.shape)
            terms = [term for term in layer.branches(inputs) if isinstance(term, keras.KerasTensor)]
            graph = keras.Model(inputs, terms)
            total += sum(_count(operation) for operation in graph.operations)
        else:
            total += _count(layer)
    return total


def _count(layer: keras.Operation) -> int:
    if isinstance(layer, keras.layers.Conv2D):
        pixels = math.prod(layer.output.shape[1:]) // layer.filters
        return math.prod(layer.kernel.shape) * pixels
    return 0
