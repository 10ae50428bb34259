"""The JSON Schema of a backbone's config, by which presets are checked before they are built."""

from typing import Any

from keras_resblocks_plugin._utils._config_schema import (
    BOOLEAN,
    DATA_FORMAT,
    integer,
    layer_schema,
    list_of,
)
from keras_resblocks_plugin.blocks import ResidualBlock
from keras_resblocks_plugin.blocks._block_type import BLOCK_TYPES, resolve_block_type
from keras_resblocks_plugin.layers._stem_pooling import STEM_POOLINGS
from keras_resblocks_plugin.models._layer_chain import INPUT_CONV, STACKWISE
from keras_resblocks_plugin.models._validation import BACKBONES_OWN
from keras_resblocks_plugin.saving._schema import schema_of


def backbone_schema(config: dict[str, Any]) -> dict[str, Any]:
    """The schema of a `ResBlockBackbone`'s config, whose `block_kwargs` depend on its blocks."""
    try:
        name, block_cls = resolve_block_type(config.get("block_type"))
    except ValueError:
        name, block_cls = None, ResidualBlock
    block = schema_of(block_cls, {})
    properties = {k: v for k, v in block["properties"].items() if k not in BACKBONES_OWN}
    widths, sizes, strides = integer(1, 1 << 20), integer(1, 1023), integer(1, 1 << 10)
    side = {**integer(1, 1 << 16), "type": ["integer", "null"]}
    return layer_schema(
        required=("block_type", *STACKWISE, *INPUT_CONV),
        block_type={"enum": [name] if name else [*BLOCK_TYPES]},
        stackwise_num_filters=list_of(widths),
        stackwise_num_blocks=list_of(integer(1, 1000)),
        stackwise_num_strides=list_of(strides),
        input_conv_filters=list_of(widths),
        input_conv_kernel_sizes=list_of(sizes),
        input_conv_strides=list_of(strides),
        input_pooling={"enum": [None, *STEM_POOLINGS]},
        block_kwargs={
            **block,
            "type": ["object", "null"],
            "properties": properties,
            "required": [],
        },
        drop_path_rate=block["properties"]["drop_path_rate"],
        freeze_batch_norm=BOOLEAN,
        image_shape=list_of(side, 3, 3),
        data_format=DATA_FORMAT,
        frozen={**list_of({"type": "string"}, 1, 1 << 20), "type": ["array", "null"]},
    )
