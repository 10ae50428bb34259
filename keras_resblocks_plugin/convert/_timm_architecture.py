"""The network of timm that computes the same as a backbone or classifier."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from keras_resblocks_plugin.blocks._block_type import resolve_block_type
from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.convert._timm_networks import KNOWN_NAMES, NETWORKS, Network
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier

_SIZES = ("stackwise_num_filters", "stackwise_num_blocks")
_COMPARED = (
    "block_type",
    *_SIZES,
    "stackwise_num_strides",
    "input_conv_filters",
    "input_conv_kernel_sizes",
    "input_conv_strides",
    "input_pooling",
)
# What the blocks of a network may have and compute the same, or what is compared otherwise.
_IGNORED_IN_BLOCKS = {"name", "trainable", "dtype", "data_format", "filters", "strides"} | {
    "shortcut",
    "drop_path_rate",
    "zero_init_residual",
}


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
        ValueError: If there is none; the error lists all reasons against the most similar one.
    """
    backbone = getattr(model, "backbone", model)
    given = backbone.get_config()
    # The rank of the best network, the network, and the reasons against it.
    best, reasons = None, [_no_such_block()]
    for name, network in NETWORKS.items():
        candidate = _candidate(name, network, given)
        if candidate is None:
            continue
        architecture, differences = candidate
        # Of equal networks, the one whose name stands for the most.
        rank = len(differences), len(architecture.arguments)
        if best is None or rank < best[0]:
            best, reasons = (rank, architecture), differences
    if getattr(model, "activation", None) not in (None, "linear"):
        reasons.append("`activation` of the head must be None, since timm's heads return logits")
    if reasons:
        raise ValueError(
            f"`model` must be a network of timm: {KNOWN_NAMES}, most of which may have other "
            f"depths and widths. {'. '.join(reasons)}. "
            f"Received: block_type={backbone.block_type!r}, block_kwargs={backbone.block_kwargs}"
        )
    _, architecture = best
    arguments = dict(architecture.arguments)
    in_chans = backbone.image_shape[-1 if backbone.data_format == "channels_last" else 0]
    if in_chans != 3:
        arguments["in_chans"] = in_chans
    if getattr(model, "pooling", "avg") != "avg":
        arguments["global_pool"] = model.pooling
    return architecture._replace(arguments=arguments)


def _candidate(
    name: str, network: Network, given: Mapping[str, Any]
) -> tuple[TimmArchitecture, list[str]] | None:
    """Returns a network in the sizes of a backbone, and the differences that remain."""
    expected = network.backbone()
    if expected["block_type"] != given["block_type"]:
        return None
    arguments = {}
    for size, (argument, values) in zip(_SIZES, network.sizes(given).items(), strict=True):
        if argument in network.timm_class.arguments and expected[size] != given[size]:
            arguments[argument] = values
    reasons = []
    try:
        expected = network.backbone(**arguments)
    except ValueError as error:
        reasons.append(str(error).split(". Received")[0])
        expected |= {size: given[size] for size in _SIZES}
    layout = network.timm_class.layout(expected)
    return TimmArchitecture(name, arguments, layout), reasons + list(_differences(given, expected))


def _no_such_block() -> str:
    names = sorted({network.backbone()["block_type"] for network in NETWORKS.values()})
    return f"`block_type` must be one of {', '.join(map(repr, names))}"


def _differences(given: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[str]:
    for name in _COMPARED:
        if given[name] != expected[name]:
            yield f"`{name}` must be {expected[name]!r}, not {given[name]!r}"
    ours, theirs = _block_config(given), _block_config(expected)
    for name in sorted(ours | theirs):
        if ours.get(name) != theirs.get(name):
            yield f"`{name}` must be {theirs.get(name)!r} in the blocks, not {ours.get(name)!r}"
    if given["stackwise_num_strides"] != expected["stackwise_num_strides"]:
        return
    ours, theirs = _shortcuts(given), _shortcuts(expected)
    if ours != theirs:
        yield (
            "`shortcut` must give the first blocks of the stacks timm's shortcuts: "
            f"{', '.join(theirs)}, not {', '.join(ours)}"
        )


def _block_config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the blocks of a backbone compute, apart from sizes and shortcuts."""
    config = {**_defaults(arguments["block_type"]), **(arguments["block_kwargs"] or {})}
    return {k: _anonymous(v) for k, v in config.items() if k not in _IGNORED_IN_BLOCKS}


@functools.cache
def _defaults(block_type: str) -> dict[str, Any]:
    _, block_cls = resolve_block_type(block_type)
    return block_cls(1).get_config()


def _anonymous(value: Any) -> Any:
    """Returns the config of a layer without its name and precision."""
    if isinstance(value, dict) and "config" in value:
        config = {k: v for k, v in value["config"].items() if k not in _IGNORED_IN_BLOCKS}
        return {"class_name": value.get("class_name"), "config": config}
    return value


def _shortcuts(arguments: Mapping[str, Any]) -> list[str]:
    """Returns what the shortcut of each stack's first block does."""
    _, block_cls = resolve_block_type(arguments["block_type"])
    kind = (arguments["block_kwargs"] or {}).get("shortcut", "auto")
    channels, shortcuts = arguments["input_conv_filters"][-1], []
    for filters, strides in zip(
        arguments["stackwise_num_filters"], arguments["stackwise_num_strides"], strict=True
    ):
        changes = strides > 1 or channels != filters * block_cls.expansion
        channels = filters * block_cls.expansion
        if kind.startswith("auto") and not changes:
            shortcuts.append("identity")
        elif "avg_pool" in kind and strides > 1:
            shortcuts.append("average and projection")
        else:
            shortcuts.append("padding" if kind == "pad" else "projection")
    return shortcuts
