"""The network of timm that computes the same as a backbone or classifier."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.convert._timm_networks import KNOWN_NAMES, NETWORKS
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier

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
    """A network of timm, perhaps with other arguments than its name stands for.

    Args:
        name: timm's name.
        arguments: timm's arguments that differ from those of the name.
        layout: The names of its weights.
    """

    name: str
    arguments: dict[str, Any]
    layout: Layout


def find_architecture(model: ResBlockBackbone | ResBlockImageClassifier) -> TimmArchitecture:
    """Returns the network of timm that computes the same.

    Raises:
        ValueError: If there is none; the error lists all reasons.
    """
    backbone = getattr(model, "backbone", model)
    averages = backbone.block_kwargs.get("shortcut") == "avg_pool"
    pre_activation = backbone.block_type == "preact_bottleneck"
    # timm's name by the number of blocks in each stack.
    names = {
        network.blocks: name
        for name, network in NETWORKS.items()
        if network.block_type == backbone.block_type
        and (network.family.shortcut == "avg_pool") == averages
    }
    reasons = list(_reasons_against(backbone, averages)) if names else [_no_such_block(averages)]
    if getattr(model, "activation", None) not in (None, "linear"):
        reasons.append("`activation` of the head must be None, since timm's heads return logits")
    if reasons:
        raise ValueError(
            f"`model` must be a network of timm: {KNOWN_NAMES}, or one of these with other "
            f"depths and widths. {'. '.join(reasons)}. "
            f"Received: block_type={backbone.block_type!r}, block_kwargs={backbone.block_kwargs}"
        )
    blocks, filters = tuple(backbone.stackwise_num_blocks), backbone.stackwise_num_filters
    in_chans = backbone.image_shape[-1 if backbone.data_format == "channels_last" else 0]
    name = names.get(blocks, next(iter(names.values())))
    arguments = {
        "layers": None if blocks in names else list(blocks),
        # timm's v2 counts the channels at a block's output.
        "channels": None
        if filters == _CHANNELS
        else [f * (1 + 3 * pre_activation) for f in filters],
        "in_chans": None if in_chans == 3 else in_chans,
        "global_pool": None if getattr(model, "pooling", "avg") == "avg" else model.pooling,
    }
    return TimmArchitecture(
        name,
        {key: value for key, value in arguments.items() if value is not None},
        NETWORKS[name].family.layout,
    )


def _no_such_block(averages: bool) -> str:
    if averages:
        return '`shortcut="avg_pool"` must be combined with `block_type="bottleneck"`'
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
            "timm's v1 projects where shapes change, and its v2 in the first block of every stack; "
            f"`shortcut={block.shortcut_type!r}` differs from that in the first stack"
        )
    if is_v2 and any(filters % 8 for filters in backbone.stackwise_num_filters):
        yield "`stackwise_num_filters` must be multiples of 8, to which timm's v2 rounds them"
