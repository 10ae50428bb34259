"""Changes to preset files, and the check that they must not pass."""

import json
from collections.abc import Callable
from pathlib import Path

import keras_hub

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.saving._preset_folder import PresetFolder


def check_preset(folder):
    """Checks a preset as loading does, without building anything."""
    PresetFolder(folder).check()


# Each refuses an unsound preset in the same words.
LOADERS = {
    "check_preset": check_preset,
    "ResBlockBackbone": krp.ResBlockBackbone.from_preset,
    "ResBlockImageClassifier": krp.ResBlockImageClassifier.from_preset,
}


def tiny_segmenter() -> keras_hub.models.DeepLabV3ImageSegmenter:
    backbone = krp.ResBlockBackbone("bn", [4, 4, 4], [1, 1, 1], [2, 2, 2], [4], [3], [2])
    return keras_hub.models.DeepLabV3ImageSegmenter(
        keras_hub.models.DeepLabV3Backbone(
            image_encoder=backbone,
            spatial_pyramid_pooling_key="P4",
            low_level_feature_key="P2",
            upsampling_size=4,
            dilation_rates=[1, 2],
            projection_filters=4,
        ),
        num_classes=3,
        preprocessor=keras_hub.models.DeepLabV3ImageSegmenterPreprocessor(
            keras_hub.layers.DeepLabV3ImageConverter(image_size=(64, 64))
        ),
    )


def edit(file: Path, place: str, value: object) -> None:
    """Sets the value at a dotted place of a JSON file, in every copy of it that there is."""
    content = json.loads(file.read_text())
    *parents, key = place.split(".")
    inner = content
    for parent in parents:
        inner = inner[int(parent)] if parent.isdigit() else inner[parent]
    if isinstance(inner, list):
        inner[int(key)] = value
    else:
        inner[key] = value
    file.write_text(json.dumps(content))


def change_json(file: Path, change: Callable[[dict], object]) -> None:
    """Rewrites a JSON file after `change` has edited its content in place."""
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config))
