"""Layouts: the names of the weights of a backbone and its head in other libraries."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_BLOCK = re.compile(r"stack(\d+)_block(\d+)").fullmatch


class Layout(NamedTuple):
    """The names of the weights in a family of networks.

    Args:
        layers: Maps this package's layers outside of the blocks to the family's.
        block: The prefix of the names in a block. `{stack}` and `{block}` count from zero and
            `{stage}` from one.
        inside: Maps this package's layers in a block to the family's.
        weights: Maps this package's weights in a layer to the family's.
        axes: Maps the number of axes to the permutation that turns a weight of the family into
            this package's.
    """

    layers: Mapping[str, str]
    block: str
    inside: Mapping[str, str]
    weights: Mapping[str, str]
    axes: Mapping[int, tuple[int, ...]]

    def name(self, path: str) -> str:
        """Returns the family's name of a weight path such as `"stack0_block1/conv1/kernel"`."""
        *layers, weight = path.split("/")
        if len(layers) == 1:
            return self.layers[layers[0]] + self.weights[weight]
        stack, block = map(int, _BLOCK(layers[0]).groups())
        start = self.block.format(stack=stack, stage=stack + 1, block=block)
        return start + self.inside[layers[1]] + self.weights[weight]


_TORCH = {
    "weights": {
        "kernel": ".weight",
        "bias": ".bias",
        "gamma": ".weight",
        "beta": ".bias",
        "moving_mean": ".running_mean",
        # PyTorch averages unbiased variances and Keras biased ones. Both use the average alike, so
        # this only matters when training continues.
        "moving_variance": ".running_var",
    },
    "axes": {4: (2, 3, 1, 0), 2: (1, 0)},
}
_CONVS = {f"conv{i}": f"conv{i}" for i in (1, 2, 3)}
_BNS = {f"norm{i}": f"bn{i}" for i in (1, 2, 3)}

RESNET = Layout(
    layers={"stem0_conv": "conv1", "stem0_norm": "bn1", "predictions": "fc"},
    block="layer{stage}.{block}.",
    inside=_CONVS | _BNS | {"shortcut_conv": "downsample.0", "shortcut_norm": "downsample.1"},
    **_TORCH,
)
"""timm's `resnet50` and similar networks, and torchvision's."""

RESNET_D = RESNET._replace(
    layers={
        "stem0_conv": "conv1.0",
        "stem0_norm": "conv1.1",
        "stem1_conv": "conv1.3",
        "stem1_norm": "conv1.4",
        "stem2_conv": "conv1.6",
        "stem2_norm": "bn1",
        "predictions": "fc",
    },
    # `downsample.0` is the average pooling.
    inside=_CONVS | _BNS | {"shortcut_conv": "downsample.1", "shortcut_norm": "downsample.2"},
)
"""timm's `resnet50d`."""

RESNET_V2 = Layout(
    layers={"stem0_conv": "stem.conv", "output_norm": "norm", "predictions": "head.fc"},
    block="stages.{stack}.blocks.{block}.",
    inside=_CONVS
    | {f"norm{i}": f"norm{i}" for i in (1, 2, 3)}
    | {"shortcut_conv": "downsample.conv"},
    **_TORCH,
)
"""timm's `resnetv2_50`."""

CIFAR = RESNET._replace(
    layers={"stem0_conv": "conv1", "stem0_norm": "bn1", "predictions": "linear"},
    inside=_CONVS | _BNS,
)
"""ResNet-20 to 110 for CIFAR. Padded shortcuts have no weights."""


def keras_hub_layout(num_input_convs: int, pre_activation: bool) -> Layout:
    """Returns the layout of a `keras_hub.models.ResNetBackbone` and of a classifier on it."""
    convs = range(num_input_convs)
    if pre_activation:
        norms = {"norm1": "pre_activation_bn", "norm2": "1_bn", "norm3": "2_bn"}
    else:
        norms = {"norm1": "1_bn", "norm2": "2_bn", "norm3": "3_bn", "shortcut_norm": "0_bn"}
    return Layout(
        layers={f"stem{i}_conv": f"conv{i + 1}_conv" for i in convs}
        | {f"stem{i}_norm": f"conv{i + 1}_bn" for i in convs}
        | {"output_norm": "post_bn", "predictions": "predictions"},
        block="stack{stack}_block{block}_",
        inside={f"conv{i}": f"{i}_conv" for i in (1, 2, 3)} | norms | {"shortcut_conv": "0_conv"},
        weights={
            weight: f"/{weight}"
            for weight in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
        },
        axes={},
    )
