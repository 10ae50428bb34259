"""The residual blocks, and their names in a backbone's `block_type`."""

from keras_resblocks_plugin.blocks._basic import BasicResidualBlock
from keras_resblocks_plugin.blocks._batch_norm import BatchNormResidualBlock
from keras_resblocks_plugin.blocks._bit import BiTResidualBlock
from keras_resblocks_plugin.blocks._block_type import BLOCK_TYPES, resolve_block_type
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

__all__ = [
    "BLOCK_TYPES",
    "BasicResidualBlock",
    "BatchNormResidualBlock",
    "BiTResidualBlock",
    "BottleneckResidualBlock",
    "BottleneckV1ResidualBlock",
    "ExpandedResidualBlock",
    "IdentityResidualBlock",
    "KerasPreActivationBottleneckResidualBlock",
    "MLPerfTinyResidualBlock",
    "PostActivationResidualBlock",
    "PreActivationBottleneckResidualBlock",
    "PreActivationResidualBlock",
    "RegNetResidualBlock",
    "ResidualBlock",
    "resolve_block_type",
]
