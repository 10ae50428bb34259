"""JSON Schemas of the configs of Keras' and KerasHub's classes that a preset may name.

These classes declare none. Their arguments are those of `__init__`; the bounds are far from what
anybody trains, and near enough that nothing takes minutes or gigabytes to build.
"""

import inspect
from typing import Any

import keras

from keras_resblocks_plugin._utils._config_schema import BOOLEAN, integer, layer_schema, list_of
from keras_resblocks_plugin._utils._places import PREPROCESSOR_NAME

# The keys of a map are regular expressions, and those that are more than the path of a layer can
# take for ever.
_POLICY_MAP = {
    "type": "object",
    "properties": {
        "default_policy": {"type": ["string", "null"], "format": "dtype"},
        "policy_map": {
            "type": "object",
            "propertyNames": {"pattern": r"^[\w/. -]+\Z"},
            "additionalProperties": {
                "type": "object",
                "instance_of": keras.dtype_policies.DTypePolicy,
            },
        },
    },
    "additionalProperties": False,
}
_NUMBER = {"type": "number", "minimum": -1e6, "maximum": 1e6}
_LEVEL = {"type": "string", "pattern": r"^P[0-9]\Z"}
_BOX_FORMAT = {"type": "string", "pattern": r"^[a-z_]{1,32}\Z"}
_OBJECT = {"type": ["object", "null"]}
_PER_CHANNEL = {"type": ["number", "array", "null"], "items": _NUMBER, "maxItems": 4096}
_ARGUMENTS = {
    "anchor_size": {"type": "number", "exclusiveMinimum": 0, "maximum": 1e4},
    "aspect_ratios": list_of({"type": "number", "exclusiveMinimum": 0, "maximum": 1e4}, 1, 8),
    "background_class": _NUMBER,
    "bounding_box_format": _BOX_FORMAT,
    "box_matcher_force_match_for_each_col": BOOLEAN,
    "box_matcher_match_values": list_of(_NUMBER, 1, 16),
    "box_variance": list_of(_NUMBER, 4, 4),
    "classification_head_prior_probability": {"type": "number", "minimum": 0, "maximum": 1},
    "confidence_threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "crop_to_aspect_ratio": BOOLEAN,
    "dilation_rates": list_of(integer(1, 1024), 1, 16),
    "encoding_format": _BOX_FORMAT,
    "from_logits": BOOLEAN,
    "ignore_class": _NUMBER,
    "image_shape": list_of({**integer(1, 1 << 14), "type": ["integer", "null"]}, 3, 3),
    "image_size": {**list_of(integer(1, 1 << 14), 2, 2), "type": ["array", "null"]},
    "iou_threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "low_level_feature_key": {**_LEVEL, "type": ["string", "null"]},
    "max_detections": integer(1, 10_000),
    "max_level": integer(1, 10),
    "min_level": integer(1, 10),
    "negative_threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "num_classes": integer(1, 1 << 16),
    "num_scales": integer(1, 8),
    "offset": _PER_CHANNEL,
    "pad_to_aspect_ratio": BOOLEAN,
    "positive_threshold": {"type": "number", "minimum": 0, "maximum": 1},
    "pre_logits_num_conv_layers": integer(1, 64),
    "projection_filters": integer(1, 4096),
    "scale": _PER_CHANNEL,
    "spatial_pyramid_pooling_key": _LEVEL,
    "upsampling_size": integer(1, 64),
    "use_fpn_batch_norm": BOOLEAN,
    "use_p5": BOOLEAN,
    "use_prediction_head_norm": BOOLEAN,
    **dict.fromkeys(("anchor_generator", "label_encoder", "prediction_decoder"), _OBJECT),
}
# Of any other argument.
_BOUNDED = {"minimum": -(1 << 14), "maximum": 1 << 14, "maxItems": 1000}


def foreign_schema(cls: type) -> dict[str, Any]:
    """The JSON Schema of a config of a class of Keras or KerasHub."""
    if issubclass(cls, keras.dtype_policies.DTypePolicyMap):
        return _POLICY_MAP
    known = {**_ARGUMENTS, **layer_schema()["properties"]}
    names = _arguments(cls)
    if not issubclass(cls, keras.layers.Layer):
        # A policy.
        known["name"] = {"type": "string", "format": "dtype"}
    if hasattr(cls, "image_converter_cls"):
        # KerasHub's preprocessors take it out of `**kwargs`.
        names.add("config_file")
        known["config_file"] = {"type": "string", "pattern": f"^{PREPROCESSOR_NAME}\\Z"}
    properties = {name: known.get(name, _BOUNDED) for name in names}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _arguments(cls: type) -> set[str]:
    """The names that `__init__` takes, including those passed to its parents."""
    names = set()
    for parent in cls.__mro__:
        if "__init__" in vars(parent):
            names.update(inspect.signature(parent.__init__).parameters)
    return names - {"self", "args", "kwargs"}
