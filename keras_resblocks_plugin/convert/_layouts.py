"""Layouts: the names of the weights of a backbone and its head in other libraries."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_BLOCK = re.compile(r"stack(\d+)_block(\d+)").fullmatch


class Layout(NamedTuple):
    """The names of the weights in a family of networks.

    Args:
        layers: Maps this package's layers outside of the blocks to the family's.
        block: The prefix of the names in a block. `{stack}` and `{block}` count from zero,
            `{stage}` and `{unit}` from one.
        inside: Maps this package's layers in a block to the family's.
        weights: Maps this package's weights in a layer to the family's.
        axes: Maps the number of axes to the permutation that turns a weight of the family into
            this package's.
        head_is_convolution: Whether the head is a 1×1 convolution.
    """

    layers: Mapping[str, str]
    block: str
    inside: Mapping[str, str]
    weights: Mapping[str, str]
    axes: Mapping[int, tuple[int, ...]]
    head_is_convolution: bool = False

    def name(self, path: str) -> str:
        """Returns the family's name of a weight path such as `"stack0_block1/conv1/kernel"`."""
        layer, *inside, weight = path.split("/")
        if not inside:
            return self.layers[layer] + self.weights[weight]
        stack, block = map(int, _BLOCK(layer).groups())
        start = self.block.format(stack=stack, stage=stack + 1, block=block, unit=block + 1)
        return start + self.inside["/".join(inside)] + self.weights[weight]


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
    # Kernels of two-dimensional and one-dimensional convolutions, and matrices.
    "axes": {4: (2, 3, 1, 0), 3: (2, 1, 0), 2: (1, 0)},
}
_CONVS = {f"conv{i}": f"conv{i}" for i in (1, 2, 3)}
_BNS = {f"norm{i}": f"bn{i}" for i in (1, 2, 3)}
# Squeeze and excitation, and efficient channel attention.
_ATTENTION = {
    "attention/squeeze": "se.fc1",
    "attention/excite": "se.fc2",
    "attention/conv": "se.conv",
}


def resnet_layout(num_input_convs: int, averages: bool) -> Layout:
    """Returns the layout of timm's `resnet50`, `resnet50d` and so on, and of torchvision's.

    Args:
        num_input_convs: The number of convolutions in the stem.
        averages: Whether the shortcuts average.
    """
    # The fourth, in ResNet-RS, stands in place of the pooling.
    convs = ["conv1"] if num_input_convs == 1 else ["conv1.0", "conv1.3", "conv1.6", "maxpool.0"]
    norms = ["bn1"] if num_input_convs == 1 else ["conv1.1", "conv1.4", "bn1", "maxpool.1"]
    # The first module of a shortcut that averages is the pooling.
    conv, norm = (1, 2) if averages else (0, 1)
    return Layout(
        layers={f"stem{i}_conv": name for i, name in enumerate(convs)}
        | {f"stem{i}_norm": name for i, name in enumerate(norms)}
        | {"predictions": "fc"},
        block="layer{stage}.{block}.",
        inside=_CONVS
        | _BNS
        | _ATTENTION
        | {"shortcut_conv": f"downsample.{conv}", "shortcut_norm": f"downsample.{norm}"},
        **_TORCH,
    )


RESNET = resnet_layout(num_input_convs=1, averages=False)
"""timm's `resnet50` and similar networks, and torchvision's."""


def resnet_v2_layout(num_input_convs: int) -> Layout:
    """Returns the layout of timm's `resnetv2_50` and so on, and of its BiT networks."""
    numbers = [""] if num_input_convs == 1 else range(1, num_input_convs + 1)
    return Layout(
        layers={
            f"stem{i}_{layer}": f"stem.{layer}{number}"
            for i, number in enumerate(numbers)
            for layer in ("conv", "norm")
        }
        | {"output_norm": "norm", "predictions": "head.fc"},
        block="stages.{stack}.blocks.{block}.",
        inside=_CONVS
        | {f"norm{i}": f"norm{i}" for i in (1, 2, 3)}
        | {"shortcut_conv": "downsample.conv"},
        head_is_convolution=True,
        **_TORCH,
    )


REGNET = Layout(
    layers={"stem0_conv": "stem.conv", "stem0_norm": "stem.bn", "predictions": "head.fc"},
    block="s{stage}.b{unit}.",
    inside={f"conv{i}": f"conv{i}.conv" for i in (1, 2, 3)}
    | {f"norm{i}": f"conv{i}.bn" for i in (1, 2, 3)}
    | _ATTENTION
    | {"shortcut_conv": "downsample.conv", "shortcut_norm": "downsample.bn"},
    **_TORCH,
)
"""timm's `regnetx_002`, `regnety_002` and so on."""

CIFAR = RESNET._replace(
    layers={"stem0_conv": "conv1", "stem0_norm": "bn1", "predictions": "linear"},
    inside=_CONVS | _BNS,
)
"""ResNet-20 to 110 for CIFAR. Padded shortcuts have no weights."""

CIFAR_STAGES = Layout(
    layers={"stem0_conv": "conv_1_3x3", "stem0_norm": "bn_1", "predictions": "classifier"},
    block="stage_{stage}.{block}.",
    inside={f"conv{i}": f"conv_{letter}" for i, letter in enumerate("abc", start=1)}
    | {f"norm{i}": f"bn_{letter}" for i, letter in enumerate("abc", start=1)}
    | {"shortcut_conv": "downsample.conv", "shortcut_norm": "downsample.bn"},
    **_TORCH,
)
"""The same networks with the names of `D-X-Y/ResNeXt-DenseNet`."""


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
