"""The backbone that computes what a ResNet of `keras.applications` does, and its weights' names."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from keras_resblocks_plugin.convert._keras_applications_network import Network, not_a_resnet

_FIRST_CONV = re.compile(r"conv(\d+)_block(\d+)_1_conv/kernel").fullmatch
_CONVS = {f"conv{i}": f"_{i}_conv" for i in (1, 2, 3)} | {"shortcut_conv": "_0_conv"}
_V1 = _CONVS | {f"norm{i}": f"_{i}_bn" for i in (1, 2, 3)} | {"shortcut_norm": "_0_bn"}
_V2 = _CONVS | {"norm1": "_preact_bn", "norm2": "_1_bn", "norm3": "_2_bn"}
_OUTSIDE = {"stem0_conv": "conv1_conv", "stem0_norm": "conv1_bn", "output_norm": "post_bn"}


class KerasApplicationsLayout(NamedTuple):
    """The names of the weights.

    Args:
        blocks: Maps the blocks of the backbone to those of `keras.applications`
            (`"stack0_block0"` to `"conv2_block1"`).
        inside: Maps the layers in a block.
        axes: No permutations: the axes are Keras' own.
    """

    blocks: Mapping[str, str]
    inside: Mapping[str, str]
    axes: Mapping[int, tuple[int, ...]] = {}

    @property
    def is_v2(self) -> bool:
        """Whether the blocks are pre-activation blocks."""
        return self.inside is _V2

    def name(self, path: str) -> str:
        """Returns the name of a weight path such as `"stack0_block1/conv1/kernel"`."""
        *layers, weight = path.split("/")
        if layers[0] in self.blocks:
            return f"{self.blocks[layers[0]]}{self.inside[layers[1]]}/{weight}"
        return f"{_OUTSIDE.get(layers[0], layers[0])}/{weight}"


def read_architecture(
    network: Network, source: str
) -> tuple[dict[str, Any], KerasApplicationsLayout]:
    """Returns the arguments of the backbone, and the names of its weights.

    Raises:
        ValueError: If the weights are not those of a ResNet.
    """
    tensors = network.tensors
    found = [match for match in map(_FIRST_CONV, sorted(tensors)) if match]
    stem = tensors.get("conv1_conv/kernel")
    if not found or stem is None or len(stem.shape) != 4:
        raise not_a_resnet(f"{source!r} with weights {', '.join(sorted(tensors)[:10])} ...")
    stages = {int(match[1]): (match[0], 0) for match in found}
    for match in found:
        kernel, last = stages[int(match[1])]
        stages[int(match[1])] = (kernel, max(last, int(match[2])))
    is_v2 = any(name.endswith("_preact_bn/gamma") for name in tensors)
    stacks = _split(stages) if is_v2 else _whole(stages)
    channels = stem.shape[2]
    image_shape = (None, None, channels)
    arguments = {
        "block_type": "preact_bottleneck_keras" if is_v2 else "bottleneck_v1",
        "stackwise_num_filters": [tensors[stages[x.stage][0]].shape[-1] for x in stacks],
        "stackwise_num_blocks": [len(stack.blocks) for stack in stacks],
        "stackwise_num_strides": [stack.strides for stack in stacks],
        "input_conv_filters": [stem.shape[3]],
        "input_conv_kernel_sizes": [stem.shape[0]],
        "input_conv_strides": [2],
        "input_pooling": "max_zero_padded",
        "image_shape": image_shape
        if network.data_format == "channels_last"
        else (channels, None, None),
        "data_format": network.data_format,
        "dtype": network.dtype,
    }
    blocks = {
        f"stack{i}_block{j}": f"conv{stack.stage}_block{block}"
        for i, stack in enumerate(stacks)
        for j, block in enumerate(stack.blocks)
    }
    return arguments, KerasApplicationsLayout(blocks, _V2 if is_v2 else _V1)


class _Stack(NamedTuple):
    """Blocks of a stage of `keras.applications`, of which the first has the strides."""

    stage: int
    blocks: range
    strides: int


def _whole(stages: Mapping[int, tuple[str, int]]) -> list[_Stack]:
    return [
        _Stack(stage, range(1, last + 1), 1 if stage == min(stages) else 2)
        for stage, (_, last) in sorted(stages.items())
    ]


def _split(stages: Mapping[int, tuple[str, int]]) -> list[_Stack]:
    """Makes a stack of its own of each last block, which has the strides in v2."""
    stacks = []
    for stage, (_, last) in sorted(stages.items()):
        if stage == max(stages):
            stacks.append(_Stack(stage, range(1, last + 1), 1))
        else:
            stacks += [_Stack(stage, range(1, last), 1), _Stack(stage, range(last, last + 1), 2)]
    return stacks
