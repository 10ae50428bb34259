"""Weights without a `config.json`: what they show, what the user says, and what is assumed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from keras_resblocks_plugin.convert import _torchvision
from keras_resblocks_plugin.convert._architecture import read_architecture
from keras_resblocks_plugin.convert._cifar import split_zero_channels
from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.convert._transfer import Tensor


class BareOptions(NamedTuple):
    """What a user says of weights that do not show it.

    Args:
        weights: The version of torchvision's weights, `"V1"` or `"V2"`.
        zero_channels: Where shortcuts add zero channels, `"split"` or `"appended"`.
    """

    weights: str | None = None
    zero_channels: str | None = None

    def refuse_with_config(self, source: str) -> None:
        """Checks that no option is given.

        Raises:
            ValueError: If one is.
        """
        given = {name: value for name, value in self._asdict().items() if value is not None}
        if given:
            raise ValueError(
                f"{' and '.join(f'`{name}`' for name in given)} must not be passed for "
                f"`{source}`, whose `config.json` describes the network. Received: "
                f"{', '.join(f'{name}={value!r}' for name, value in given.items())}"
            )


class BareWeights(NamedTuple):
    """A network read from its weights.

    Args:
        tensors: The weights.
        arguments: The arguments of the backbone.
        layout: The names of the weights.
        preprocessing: Entries of timm's `pretrained_cfg`.
        is_of_imagenet: Whether the weights learned ImageNet-1k.
    """

    tensors: Mapping[str, Tensor]
    arguments: dict[str, Any]
    layout: Layout
    preprocessing: dict[str, Any]
    is_of_imagenet: bool


def read_bare_weights(
    tensors: Mapping[str, Tensor], file_name: str, source: str, options: BareOptions
) -> BareWeights:
    """Reads a network from its weights.

    Args:
        tensors: The weights.
        file_name: The name of their file.
        source: The file as the user wrote it, for errors and warnings.
        options: What the user says.

    Raises:
        ValueError: If the weights belong to no family that is known here, or if an option is
            invalid or says nothing about this network.
    """
    arguments, layout = read_architecture(tensors, source)
    return BareWeights(
        split_zero_channels(tensors, arguments, layout, options.zero_channels, source),
        arguments,
        layout,
        _torchvision.read_preprocessing(file_name, options.weights, arguments),
        _torchvision.is_published(file_name, options.weights),
    )
