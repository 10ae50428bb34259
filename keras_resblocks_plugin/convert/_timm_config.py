"""timm's `config.json`: the network, its preprocessing, and the names of its classes."""

import re
from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin.convert._layouts import Layout
from keras_resblocks_plugin.convert._timm_names import REASONS
from keras_resblocks_plugin.convert._timm_networks import KNOWN_NAMES, NETWORKS, Network
from keras_resblocks_plugin.saving._schema import check

# Arguments that matter only in training or to the head.
_HARMLESS_ARGS = {"num_classes", "global_pool", "zero_init_last"} | {
    f"drop_{what}rate" for what in ("", "path_", "block_")
}
# Arguments that must have these values, which are timm's defaults.
_FIXED_ARGS = {"output_stride": 32, "act_layer": "relu"}


def read_config(file: Path) -> dict[str, Any]:
    """Reads a `config.json`, and checks that its network can be converted.

    Returns:
        Its content; an empty dict if there is no such file.

    Raises:
        ValueError: If the network cannot be converted.
    """
    if not file.is_file():
        return {}
    config = read_json(file)
    try:
        backbone_arguments(config)
    except ValueError as error:
        raise ValueError(f"`{file}` cannot be converted. {error}") from None
    return config


def find_network(config: dict[str, Any]) -> Network:
    """Returns the network whose name is in a timm `config.json`.

    Raises:
        ValueError: If it cannot be built.
    """
    architecture = config.get("architecture")
    # The tag of the weights may follow the name.
    name = str(architecture).split(".")[0]
    if name in NETWORKS:
        return NETWORKS[name]
    why = next((why for pattern, why in REASONS.items() if re.fullmatch(pattern, name)), None)
    raise ValueError(
        f"`architecture` must be a network that this package supports: {KNOWN_NAMES}. "
        f"Received: {architecture!r}{f', {why}' if why else ''}"
    )


def backbone_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of the `ResBlockBackbone` that a timm `config.json` describes.

    Args:
        config: The content of the file. `architecture` names the network, and `model_args` are
            the arguments that differ from those of the name.

    Raises:
        ValueError: If no `ResBlockBackbone` is equal to the network.
    """
    network = find_network(config)
    arguments = model_args(config)
    allowed = {*network.timm_class.arguments, *_HARMLESS_ARGS}
    refused = {
        name: value
        for name, value in arguments.items()
        if name not in allowed and _FIXED_ARGS.get(name, object()) != value
    }
    if pooling(config) not in ("avg", "max"):
        refused["global_pool"] = arguments["global_pool"]
    if refused:
        raise ValueError(
            f"`model_args` must not change timm's {config['architecture']}, except for "
            f"{', '.join(network.timm_class.arguments)} and a `global_pool` of 'avg' or 'max'. "
            f"Received: {refused}"
        )
    changes = {k: v for k, v in arguments.items() if k in network.timm_class.arguments}
    schema = {"properties": {k: network.timm_class.arguments[k] for k in changes}}
    check(Path("config.json"), changes, schema, path="model_args")
    return network.backbone(**changes)


def layout(config: dict[str, Any]) -> Layout:
    """Returns the names of the weights of the network."""
    return find_network(config).timm_class.layout(backbone_arguments(config))


def pooling(config: dict[str, Any]) -> str:
    """Returns the pooling before the head: `"avg"` or `"max"`."""
    return model_args(config).get("global_pool", "avg")


def model_args(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments that differ from those of the network's name."""
    arguments = config.get("model_args")
    return arguments if isinstance(arguments, dict) else {}


def class_names(config: dict[str, Any], num_classes: int) -> list[str] | None:
    """Returns the names of the classes in the order of the labels, if the config has them."""
    names = config.get("label_names") or preprocessing(config).get("label_names")
    if isinstance(names, dict):
        # The keys are labels, and some may be missing.
        names = [names.get(str(label), str(label)) for label in range(num_classes)]
    return [str(name) for name in names] if names else None


def preprocessing(config: dict[str, Any]) -> dict[str, Any]:
    """Returns the part of the config that describes the preprocessing."""
    # Old files have these keys at the top level.
    part = config.get("pretrained_cfg")
    return part if isinstance(part, dict) else config
