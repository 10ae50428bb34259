"""timm's classes of residual networks: their arguments as those of a `ResBlockBackbone`."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from keras_resblocks_plugin._utils._registration import PACKAGE
from keras_resblocks_plugin.convert import _layouts
from keras_resblocks_plugin.convert._layouts import (
    Layout,
    resnet_layout,
    resnet_v2_layout,
)
from keras_resblocks_plugin.convert._regnet import regnet_stages

# The strides of the stacks. Those of RegNet are all 2.
_STRIDES = (1, 2, 2, 2)


class TimmClass(NamedTuple):
    """A class of timm.

    Args:
        backbone: Turns timm's arguments into those of a `ResBlockBackbone`. It also takes what
            is no argument of timm's but code: `block`, `attn_layer`, `bit` and so on.
        layout: Returns the names of the weights of such a backbone.
        arguments: The names of timm's arguments that a config may change.
    """

    backbone: Callable[..., dict[str, Any]]
    layout: Callable[[dict[str, Any]], Layout]
    arguments: tuple[str, ...]


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
    if replace_stem_pool:
        stem.append((stem[-1][0], 3, 2))
        pooling = None
    else:
        pooling = {None: "max", "avg": "average", "blur": "max_blur"}[aa_layer]
    block_kwargs = {
        # A basic block of the first stack changes no shape, and timm leaves its shortcut alone.
        "shortcut": ("auto_avg_pool" if basic else "avg_pool") if avg_down else None,
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
    if se_ratio not in (0, 0.25):
        raise ValueError(f"`se_ratio` must be 0 or 0.25. Received: se_ratio={se_ratio}")
    widths, layers = regnet_stages(depth, w0, wa, wm, group_size, group_min_ratio)
    block_kwargs = {"group_width": group_size, "attention": "se" if se_ratio else None}
    stacks = (widths, layers, [2] * len(widths))
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
            f"`layers` and `channels` must have {len(strides)} entries each. "
            f"Received: layers={blocks}, channels={filters}"
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
    """Returns the config of squeeze and excitation to this part of the channels."""
    return {
        "module": "keras_resblocks_plugin.layers",
        "class_name": "SqueezeExcitation",
        "config": {"ratio": ratio},
        "registered_name": f"{PACKAGE}>SqueezeExcitation",
    }


# timm's arguments of sizes and stems that configs may change.
_SIZES = ("layers", "channels", "in_chans")

RESNET = TimmClass(
    _resnet,
    lambda arguments: resnet_layout(
        num_input_convs=len(arguments["input_conv_filters"]),
        averages="avg_pool" in (arguments["block_kwargs"] or {}).get("shortcut", ""),
    ),
    (
        *_SIZES,
        "stem_type",
        "stem_width",
        "cardinality",
        "base_width",
        "replace_stem_pool",
        "avg_down",
    ),
)
RESNET_V2 = TimmClass(
    _resnet_v2,
    lambda arguments: resnet_v2_layout(num_input_convs=len(arguments["input_conv_filters"])),
    (*_SIZES, "width_factor", "stem_chs", "stem_type", "avg_down"),
)
REGNET = TimmClass(
    _regnet,
    lambda arguments: _layouts.REGNET,
    tuple(inspect.signature(_regnet).parameters),
)
