"""Conversion of a backbone or classifier to a folder that timm loads."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from keras_resblocks_plugin._utils._places import local_path
from keras_resblocks_plugin._utils._replace import replacing
from keras_resblocks_plugin._utils._safetensors import write_file
from keras_resblocks_plugin.convert._checkpoint import CONFIG_FILE, SAFETENSORS_FILE
from keras_resblocks_plugin.convert._timm_architecture import TimmArchitecture, find_architecture
from keras_resblocks_plugin.convert._timm_preprocessing import describe_converter
from keras_resblocks_plugin.convert._transfer import named_weights
from keras_resblocks_plugin.layers._geometry import channel_axis
from keras_resblocks_plugin.models._backbone import ResBlockBackbone
from keras_resblocks_plugin.models._image_classifier import ResBlockImageClassifier
from keras_resblocks_plugin.saving._preset_files import INDEX_FILE


def to_timm(model: ResBlockBackbone | ResBlockImageClassifier, folder: str | Path) -> None:
    """Saves a model in timm's format: `model.safetensors` and `config.json`.

    timm loads it with `timm.create_model("local-dir:FOLDER", pretrained=True)`, and from the Hub
    with `"hf-hub:user/name"`. It computes the same logits. LoRA is merged. Depths and widths that
    differ from those of the most similar network of timm are written as its arguments. Only the
    depths of BiT and the sizes of RegNets must be timm's.

    Args:
        model: A `krp.ResBlockImageClassifier`, or a `krp.ResBlockBackbone`, which timm loads
            without a head. If it has no preprocessing, timm assumes ImageNet's. timm resizes
            before it crops, so images that are not square have its pixels only if the
            converter's `crop_order` is `"resize_then_crop"`.
        folder: string or path. The folder to write. Its other files are kept.

    Raises:
        ValueError: If timm has no such network, or if the folder contains a preset, whose files
            have the same names.

    Example:

    ```python
    krp.convert.to_timm(classifier, "for_timm")
    timm.create_model("local-dir:for_timm", pretrained=True)
    ```
    """
    folder = local_path("folder", folder)
    if (folder / INDEX_FILE).exists():
        raise ValueError(
            f"`folder` must not contain a preset, whose {CONFIG_FILE} would be overwritten. "
            f"Received: folder={str(folder)!r}"
        )
    if not isinstance(model, ResBlockBackbone | ResBlockImageClassifier):
        raise ValueError(
            "`model` must be a `krp.ResBlockBackbone` or a `krp.ResBlockImageClassifier`. "
            f"Received: model={model!r}"
        )
    architecture = find_architecture(model)
    config = _config(model, architecture)
    tensors = named_weights(model, architecture.layout)
    head = f"{architecture.layout.layers['predictions']}.weight"
    if architecture.layout.head_is_convolution and head in tensors:
        tensors[head] = tensors[head][..., None, None]
    counters = {
        name.replace("running_mean", "num_batches_tracked"): np.array(0)
        for name in tensors
        if name.endswith("running_mean")
    }
    with replacing(folder) as staged:
        write_file(staged / SAFETENSORS_FILE, tensors | counters, {"format": "pt"})
        (staged / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n")


def _config(
    model: ResBlockBackbone | ResBlockImageClassifier, architecture: TimmArchitecture
) -> dict[str, Any]:
    layers = architecture.layout.layers
    num_classes = getattr(model, "num_classes", 0)
    backbone = getattr(model, "backbone", model)
    config = {
        "architecture": architecture.name,
        "num_classes": num_classes,
        "num_features": backbone.output_shape[channel_axis(backbone.data_format)],
        "pretrained_cfg": {
            "custom_load": False,
            "num_classes": num_classes,
            "first_conv": layers["stem0_conv"],
            "classifier": layers["predictions"],
            **describe_converter(model),
        },
    }
    if architecture.arguments:
        config["model_args"] = architecture.arguments
    if getattr(model, "class_names", None):
        config["label_names"] = model.class_names
    return config
