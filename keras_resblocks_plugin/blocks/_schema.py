"""The JSON Schema of a block's config, which presets are checked against before they are built."""

from typing import Any

import keras

from keras_resblocks_plugin._utils._config_schema import (
    ACTIVATION,
    BOOLEAN,
    DATA_FORMAT,
    integer,
    layer_schema,
)
from keras_resblocks_plugin.blocks._attention import ATTENTIONS
from keras_resblocks_plugin.blocks._shortcut import SHORTCUTS

NORMALIZATIONS = (None, "batch", "group")
_ATTENTION = {
    "type": ["string", "object", "null"],
    "if": {"type": "object"},
    "then": {
        "instance_of": keras.Layer,
        "not": {"instance_of": keras.Model},
    },
    "else": {"enum": [None, *ATTENTIONS]},
}


def block_schema() -> dict[str, Any]:
    """The schema of the arguments that every block takes."""
    return layer_schema(
        required=("filters",),
        filters=integer(1, 1 << 20),
        kernel_size=integer(1, 1023),
        strides=integer(1, 1 << 10),
        activation=ACTIVATION,
        output_activation=ACTIVATION,
        shortcut={"enum": [*SHORTCUTS]},
        normalization={"enum": [*NORMALIZATIONS]},
        drop_path_rate={"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        zero_init_residual=BOOLEAN,
        attention=_ATTENTION,
        data_format=DATA_FORMAT,
    )
