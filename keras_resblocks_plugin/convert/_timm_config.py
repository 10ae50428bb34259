"""timm's `config.json`: the network, its preprocessing, and the names of its classes."""

from pathlib import Path
from typing import Any

from keras_resblocks_plugin._utils._json import read_json
from keras_resblocks_plugin.convert._timm_networks import KNOWN_NAMES, NETWORKS

# Part of a network's name → the feature that no `ResBlockBackbone` has.
_REASONS = {
    "_bit": "group norm and weight-standardized convolutions",
    "_gn": "group norm",
    "_evos": "norms that are no batch norm",
    "_frn": "norms that are no batch norm",
    "resnext": "grouped convolutions",
    "wide_": "wider bottlenecks",
    "se": "squeeze-and-excitation",
    "eca": "channel attention",
    "aa": "anti-aliasing",
    "blur": "anti-aliasing",
    "resnetrs": "squeeze-and-excitation and another stem",
}
# Arguments that the shapes of the weights show, or that matter only in training.
_HARMLESS_ARGS = {"layers", "channels", "num_classes", "in_chans", "zero_init_last"} | {
    f"drop_{what}rate" for what in ("", "path_", "block_")
}


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
    architecture = str(config.get("architecture")).split(".")[0]
    if architecture not in NETWORKS:
        reasons = [reason for part, reason in _REASONS.items() if part in architecture]
        why = f", which has {reasons[0]}" if reasons else ""
        raise ValueError(
            f"`architecture` in `{file}` must be a network that this package supports: "
            f"{KNOWN_NAMES}. Received: {config.get('architecture')!r}{why}"
        )
    arguments = dict(_model_args(config))
    pooling = arguments.pop("global_pool", "avg")
    foreign = sorted(arguments.keys() - _HARMLESS_ARGS)
    if foreign or pooling not in ("avg", "max"):
        raise ValueError(
            f"`model_args` in `{file}` must not change timm's {architecture}, except for layers, "
            f"channels and a `global_pool` of 'avg' or 'max'. Received: "
            f"{ {name: arguments[name] for name in foreign} or {'global_pool': pooling} }"
        )
    return config


def pooling(config: dict[str, Any]) -> str:
    """Returns the pooling before the head: `"avg"` or `"max"`."""
    return _model_args(config).get("global_pool", "avg")


def _model_args(config: dict[str, Any]) -> dict[str, Any]:
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
