"""The names of the blocks, and the class of a `block_type`."""

from types import MappingProxyType

import keras

from keras_resblocks_plugin.blocks._basic import BasicResidualBlock
from keras_resblocks_plugin.blocks._batch_norm import BatchNormResidualBlock
from keras_resblocks_plugin.blocks._bit import BiTResidualBlock
from keras_resblocks_plugin.blocks._bottleneck import BottleneckResidualBlock
from keras_resblocks_plugin.blocks._bottleneck_v1 import BottleneckV1ResidualBlock
from keras_resblocks_plugin.blocks._expanded import ExpandedResidualBlock
from keras_resblocks_plugin.blocks._identity import IdentityResidualBlock
from keras_resblocks_plugin.blocks._mlperf_tiny import MLPerfTinyResidualBlock
from keras_resblocks_plugin.blocks._post_activation import PostActivationResidualBlock
from keras_resblocks_plugin.blocks._pre_activation import PreActivationResidualBlock
from keras_resblocks_plugin.blocks._pre_activation_bottleneck import (
    PreActivationBottleneckResidualBlock,
)
from keras_resblocks_plugin.blocks._pre_activation_bottleneck_keras import (
    KerasPreActivationBottleneckResidualBlock,
)
from keras_resblocks_plugin.blocks._regnet import RegNetResidualBlock
from keras_resblocks_plugin.blocks._residual_block import ResidualBlock

BLOCK_TYPES = MappingProxyType(
    {
        "basic": BasicResidualBlock,
        "act": PostActivationResidualBlock,
        "bn": BatchNormResidualBlock,
        "expanded": ExpandedResidualBlock,
        "identity": IdentityResidualBlock,
        "preact": PreActivationResidualBlock,
        "bottleneck": BottleneckResidualBlock,
        "preact_bottleneck": PreActivationBottleneckResidualBlock,
        "bottleneck_v1": BottleneckV1ResidualBlock,
        "preact_bottleneck_keras": KerasPreActivationBottleneckResidualBlock,
        "mlperf_tiny": MLPerfTinyResidualBlock,
        "regnet": RegNetResidualBlock,
        "bit": BiTResidualBlock,
    }
)
"""The blocks of this package by their `block_type`."""


def resolve_block_type(block_type: str | type[ResidualBlock]) -> tuple[str, type[ResidualBlock]]:
    """Returns the name that configs store for a block type, and its class.

    Args:
        block_type: A key of `BLOCK_TYPES`, a registered subclass of `ResidualBlock`,
            or the name under which one is registered (`"my_package>MyBlock"`).

    Raises:
        ValueError: If `block_type` is invalid.
    """
    names = {cls: name for name, cls in BLOCK_TYPES.items()}
    cls = block_type
    if isinstance(block_type, str):
        cls = BLOCK_TYPES.get(block_type) or keras.saving.get_registered_object(block_type)
    if isinstance(cls, type) and issubclass(cls, ResidualBlock) and cls is not ResidualBlock:
        name = names.get(cls) or keras.saving.get_registered_name(cls)
        if keras.saving.get_registered_object(name) is cls or cls in names:
            return name, cls
        raise ValueError(
            f"`block_type` {cls.__name__} must be registered, so that a saved model can name "
            "it. Decorate the class with "
            '`@keras.saving.register_keras_serializable("my_package")`. '
            f"Received: block_type={block_type!r}"
        )
    raise ValueError(
        f"`block_type` must be one of {', '.join(map(repr, BLOCK_TYPES))}, a registered "
        "subclass of `krp.blocks.ResidualBlock`, or the name it is registered under "
        "(a saved model needs the module that registers it imported first). "
        f"Received: block_type={block_type!r}"
    )
