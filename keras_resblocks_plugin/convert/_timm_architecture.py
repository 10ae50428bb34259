"""The timm ResNet that computes what a backbone or classifier does."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from keras_resblocks_plugin.convert._layouts import RESNET, RESNET_D, RESNET_V2, Layout
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier

# (`block_type`, whether shortcuts are averaged) → blocks of each stack → timm's name. The
# first is also written for other depths.
_NAMES = {
    ("bn", False): {(2, 2, 2, 2): "resnet18", (3, 4, 6, 3): "resnet34"},
    ("bottleneck", False): {
        (3, 4, 6, 3): "resnet50",
        (3, 4, 23, 3): "resnet101",
        (3, 8, 36, 3): "resnet152",
    },
    ("bottleneck", True): {(3, 4, 6, 3): "resnet50d"},
    ("preact_bottleneck", False): {(3, 4, 6, 3): "resnetv2_50"},
}
_PLAIN = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "input_conv_strides": [2],
    "input_pooling": "max",
    "stackwise_num_strides": [1, 2, 2, 2],
}
_DEEP = _PLAIN | {
    "input_conv_filters": [32, 32, 64],
    "input_conv_kernel_sizes": [3, 3, 3],
    "input_conv_strides": [2, 1, 1],
}
_CHANNELS = [64, 128, 256, 512]


class TimmArchitecture(NamedTuple):
    """One of timm's networks: its name, what differs from that, and how weights are named."""

    name: str
    arguments: dict[str, Any]
    layout: Layout


def find_architecture(model: ResBlockBackbone | ResBlockImageClassifier) -> TimmArchitecture:
    """The network of timm that gives the same numbers.

    Raises:
        ValueError: If there is none; all reasons are given.
    """
    backbone = getattr(model, "backbone", model)
    averages = backbone.block_kwargs.get("shortcut") == "avg_pool"
    pre_activation = backbone.block_type == "preact_bottleneck"
    names = _NAMES.get((backbone.block_type, averages))
    reasons = list(_reasons_against(backbone, averages)) if names else [_no_such_block(averages)]
    if getattr(model, "activation", None) not in (None, "linear"):
        reasons.append("`activation` of the head must be None: timm's gives logits")
    if reasons:
        known = ", ".join(name for names in _NAMES.values() for name in names.values())
        raise ValueError(
            f"`model` must be one that timm has: {known}, or these in other depths and widths. "
            f"{'. '.join(reasons)}. Received: block_type={backbone.block_type!r}, "
            f"block_kwargs={backbone.block_kwargs}"
        )
    blocks, filters = tuple(backbone.stackwise_num_blocks), backbone.stackwise_num_filters
    in_chans = backbone.image_shape[-1 if backbone.data_format == "channels_last" else 0]
    arguments = {
        "layers": None if blocks in names else list(blocks),
        # timm's v2 counts them behind the block.
        "channels": None
        if filters == _CHANNELS
        else [f * (1 + 3 * pre_activation) for f in filters],
        "in_chans": None if in_chans == 3 else in_chans,
        "global_pool": None if getattr(model, "pooling", "avg") == "avg" else model.pooling,
    }
    return TimmArchitecture(
        names.get(blocks, next(iter(names.values()))),
        {name: value for name, value in arguments.items() if value is not None},
        RESNET_V2 if pre_activation else RESNET_D if averages else RESNET,
    )


def _no_such_block(averages: bool) -> str:
    if averages:
        return '`shortcut="avg_pool"` goes with bottlenecks: timm projects no more than it has to'
    return "`block_type` must be 'bn', 'bottleneck' or 'preact_bottleneck'"


def _reasons_against(backbone: ResBlockBackbone, averages: bool) -> Iterator[str]:
    for name, value in (_DEEP if averages else _PLAIN).items():
        if getattr(backbone, name) != value:
            yield f"`{name}` must be {value}, not {getattr(backbone, name)}"
    block = backbone.get_layer("stack0_block0")
    config, default = block.get_config(), type(block)(block.filters).get_config()
    for name in ("kernel_size", "activation", "output_activation", "normalization"):
        if config[name] != default[name]:
            yield f"`{name}` must be {default[name]!r} in the blocks, not {config[name]!r}"
    is_v2 = backbone.block_type == "preact_bottleneck"
    if block.shortcut_type == "pad":
        yield "Shortcuts must be projected, not padded"
    elif block.projects != (
        is_v2 or block.filters * block.expansion != _PLAIN["input_conv_filters"][0]
    ):
        yield (
            "timm's v1 projects where shapes change, and its v2 in the first block of every stack, "
            f"but `shortcut={block.shortcut_type!r}` does not so in the first of all"
        )
    if is_v2 and any(filters % 8 for filters in backbone.stackwise_num_filters):
        yield "`stackwise_num_filters` must be multiples of 8, to which timm's v2 rounds them"
