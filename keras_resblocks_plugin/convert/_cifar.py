"""ResNet-20 to 110 for CIFAR with padded shortcuts (option A)."""

from collections.abc import Mapping

from keras_resblocks_plugin.convert._family import Family
from keras_resblocks_plugin.convert._layouts import CIFAR
from keras_resblocks_plugin.convert._transfer import Tensor


def cifar_family(tensors: Mapping[str, Tensor]) -> Family:
    """Returns the family of these weights, whose head is named `fc` or `linear`."""
    head = "fc" if "fc.weight" in tensors else "linear"
    return Family(
        CIFAR._replace(layers={**CIFAR.layers, "predictions": head}),
        stem=("conv1",),
        shortcut="pad",
        stem_strides=1,
        input_pooling=None,
    )
