"""timm's classes of residual networks: their arguments as those of a `ResBlockBackbone`."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from keras_resblocks_plugin._utils._config_schema import BOOLEAN, integer, list_of
from keras_resblocks_plugin.blocks._attention import serialize_attention
from keras_resblocks_plugin.convert import _layouts
from keras_resblocks_plugin.convert._layouts import (
    Layout,
    resnet_layout,
    resnet_v2_layout,
)
from keras_resblocks_plugin.convert._regnet import regnet_stages
from keras_resblocks_plugin.layers import SqueezeExcitation

# The strides of the stacks. Those of RegNet are all 2.
_STRIDES = (1, 2, 2, 2)


class TimmClass(NamedTuple):
    """A class of timm.

    Args:
        backbone: Turns timm's arguments into those of a `ResBlockBackbone`. It also takes what
            is no argument of timm's but code: `block`, `attn_layer`, `bit` and so on.
        layout: Returns the names of the weights of such a backbone.
        arguments: JSON Schemas of timm's arguments that a config may change, by name.
    """

    backbone: Callable[..., dict[str, Any]]
    layout: Callable[[dict[str, Any]], Layout]
    arguments: Mapping[str, dict[str, Any]]


def _resnet(
    block: str,
    layers: Sequence[int],
    channels: Sequence[int] = (64, 128, 256, 512),
    in_chans: int = 3,
    cardinality: int = 1,
    base_width: int = 64,
    stem_type: str = "",
    stem_width: int = 64,
    replace_stem_pool: bool = False,
    avg_down: bool = False,
    norm_layer: str = "batchnorm",
    aa_layer: str | None = None,
    attn_layer: str | None = None,
    rd_ratio: float | None = None,
) -> dict[str, Any]:
    basic = block == "basic"
    stem = _stem(stem_type, 2 * stem_width if "deep" in stem_type else 64)
    changes = stem[-1][0] != channels[0] * (1 if basic else 4)
    if replace_stem_pool:
        stem.append((stem[-1][0], 3, 2))
        pooling = None
    else:
        pooling = {None: "max", "avg": "average", "blur": "max_blur"}[aa_layer]
    block_kwargs = {
        # Where the first stack changes no shape, timm leaves its shortcut alone.
        "shortcut": ("avg_pool" if changes else "auto_avg_pool") if avg_down else None,
        "groups": None if cardinality == 1 else cardinality,
        "base_width": None if base_width == 64 else base_width,
        "normalization": "group" if norm_layer == "groupnorm" else None,
        "antialias": {None: None, "avg": "average", "blur": "blur"}[aa_layer],
        "attention": squeeze_excitation(rd_ratio) if rd_ratio else attn_layer,
    }
    return _backbone(
        "bn" if basic else "bottleneck",
        (channels, layers, _STRIDES),
        stem,
        pooling,
        block_kwargs,
        in_chans,
    )


def _resnet_v2(
    layers: Sequence[int],
    channels: Sequence[int] = (256, 512, 1024, 2048),
    in_chans: int = 3,
    width_factor: int = 1,
    stem_chs: int = 64,
    stem_type: str = "",
    avg_down: bool = False,
    basic: bool = False,
    bit: bool = False,
    norm_layer: str = "batchnorm",
) -> dict[str, Any]:
    block_kwargs = {"normalization": "group" if norm_layer == "groupnorm" else None}
    if basic:
        block_type, expansion = "preact", 1
        block_kwargs["shortcut"] = "auto_avg_pool" if avg_down else None
    else:
        block_type, expansion = "bit" if bit else "preact_bottleneck", 4
        block_kwargs["shortcut"] = "avg_pool" if avg_down else "projection"
    widths = [channel * width_factor for channel in channels]
    if any(width % (8 * expansion) for width in widths):
        raise ValueError(
            f"`channels` must be multiples of {8 * expansion}, to which timm rounds them. "
            f"Received: channels={list(channels)}, width_factor={width_factor}"
        )
    return _backbone(
        block_type,
        ([width // expansion for width in widths], layers, _STRIDES),
        _stem(stem_type, stem_chs * width_factor),
        "max_zero_padded" if bit else "max",
        block_kwargs,
        in_chans,
    )


def _regnet(
    depth: int,
    w0: int,
    wa: float,
    wm: float,
    group_size: int,
    group_min_ratio: float = 0.0,
    se_ratio: float = 0.0,
    stem_width: int = 32,
    in_chans: int = 3,
) -> dict[str, Any]:
    widths, layers = regnet_stages(depth, w0, wa, wm, group_size, group_min_ratio)
    block_kwargs = {"group_width": group_size, "attention": "se" if se_ratio else None}
    stacks = (widths, layers, (2, 2, 2, 2))
    return _backbone("regnet", stacks, [(stem_width, 3, 2)], None, block_kwargs, in_chans)


def _backbone(
    block_type: str,
    stacks: tuple[Sequence[int], ...],
    stem: list[tuple[int, int, int]],
    pooling: str | None,
    block_kwargs: dict[str, Any],
    in_chans: int,
) -> dict[str, Any]:
    filters, blocks, strides = map(list, stacks)
    if not len(filters) == len(blocks) == len(strides):
        raise ValueError(
            f"A network of timm must have {len(strides)} stacks. "
            f"Received: {len(filters)} widths and {len(blocks)} depths"
        )
    stem_filters, kernel_sizes, stem_strides = map(list, zip(*stem, strict=True))
    return {
        "block_type": block_type,
        "stackwise_num_filters": filters,
        "stackwise_num_blocks": blocks,
        "stackwise_num_strides": strides,
        "input_conv_filters": stem_filters,
        "input_conv_kernel_sizes": kernel_sizes,
        "input_conv_strides": stem_strides,
        "input_pooling": pooling,
        "block_kwargs": {k: v for k, v in block_kwargs.items() if v is not None} or None,
        "image_shape": (None, None, in_chans),
        # The channels of `image_shape` are last, whatever the user's default is.
        "data_format": "channels_last",
    }


def _stem(stem_type: str, filters: int) -> list[tuple[int, int, int]]:
    """Returns the filters, kernel sizes and strides of the stem's convolutions."""
    if stem_type == "":
        return [(filters, 7, 2)]
    half = filters // 2
    first = 3 * (half // 4) if "tiered" in stem_type else half
    return [(first, 3, 2), (half, 3, 1), (filters, 3, 1)]


def squeeze_excitation(ratio: float) -> dict[str, Any]:
    """Returns a block's `attention`: squeeze and excitation with a ratio of its own."""
    return serialize_attention(SqueezeExcitation(ratio, data_format="channels_last"))


# Schemas of timm's arguments that a `config.json` may change.
_COUNT, _NUMBER = integer(1, 1 << 20), {"type": "number", "minimum": 0, "maximum": 1 << 20}
_SIZES = {"channels": list_of(_COUNT, 4, 4), "in_chans": _COUNT}
_LAYERS = {"layers": list_of(integer(1, 1000), 4, 4)}

RESNET = TimmClass(
    _resnet,
    lambda arguments: resnet_layout(
        num_input_convs=len(arguments["input_conv_filters"]),
        averages="avg_pool" in (arguments["block_kwargs"] or {}).get("shortcut", ""),
    ),
    {
        **_LAYERS,
        **_SIZES,
        "cardinality": _COUNT,
        "base_width": _COUNT,
        "stem_width": _COUNT,
        "stem_type": {"enum": ["", "deep", "deep_tiered"]},
        "replace_stem_pool": BOOLEAN,
        "avg_down": BOOLEAN,
    },
)
# timm itself refuses other arguments for BiT.
BIT = TimmClass(
    functools.partial(_resnet_v2, bit=True),
    lambda arguments: resnet_v2_layout(num_input_convs=len(arguments["input_conv_filters"])),
    {**_SIZES, "stem_chs": _COUNT, "avg_down": BOOLEAN},
)
RESNET_V2 = TimmClass(
    _resnet_v2,
    BIT.layout,
    {
        **_LAYERS,
        **BIT.arguments,
        "width_factor": _COUNT,
        "stem_type": {"enum": ["", "deep", "tiered"]},
    },
)
REGNET = TimmClass(
    _regnet,
    lambda arguments: _layouts.REGNET,
    {
        "depth": integer(1, 1000),
        "w0": _COUNT,
        "wa": _NUMBER,
        "wm": {**_NUMBER, "exclusiveMinimum": 1},
        "group_size": _COUNT,
        "group_min_ratio": _NUMBER,
        "se_ratio": {"enum": [0, 0.25]},
        "stem_width": _COUNT,
        "in_chans": _COUNT,
    },
)
