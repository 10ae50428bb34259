"""The entries of timm's published weights, from timm's own table."""

import json
import math
import tempfile
from pathlib import Path
from typing import Any

from keras_resblocks_plugin.blocks import BLOCK_TYPES
from keras_resblocks_plugin.convert._checkpoint import CONFIG_FILE
from keras_resblocks_plugin.convert._timm_preset import TimmPreset
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.saving._preset_files import CONVERTER_FILE


def describe(architecture: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the entry of `krp.list_presets(published=True)`. Allocates no weights.

    Args:
        architecture: timm's name of the network.
        settings: timm's `pretrained_cfg` of the weights.

    Raises:
        ValueError: If the network or its preprocessing cannot be built.
    """
    classes = settings["num_classes"]
    config = {"architecture": architecture, "num_classes": classes, "pretrained_cfg": settings}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / CONFIG_FILE).write_text(json.dumps(config))
        preset = TimmPreset(folder, architecture)
        preset.check(of_task=True)
    backbone = preset.json(CONFIG_FILE)["config"]
    expansion = BLOCK_TYPES[backbone["block_type"]].expansion
    head = (expansion * backbone["stackwise_num_filters"][-1] + 1) * classes
    shapes = ResBlockBackbone.weight_shapes(backbone).values()
    return {
        "parameters": sum(map(math.prod, shapes)) + head,
        "image_size": preset.json(CONVERTER_FILE)["config"]["image_size"],
        "num_classes": classes,
        "license": settings.get("license"),
    }
