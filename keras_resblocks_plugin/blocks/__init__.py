"""The residual blocks, and the names by which a backbone knows them."""

from keras_resblocks_plugin.blocks.basic import BasicResidualBlock
from keras_resblocks_plugin.blocks.batch_norm import BatchNormResidualBlock
from keras_resblocks_plugin.blocks.block_type import BLOCK_TYPES, resolve_block_type
from keras_resblocks_plugin.blocks.bottleneck import BottleneckResidualBlock
from keras_resblocks_plugin.blocks.expanded import ExpandedResidualBlock
from keras_resblocks_plugin.blocks.identity import IdentityResidualBlock
from keras_resblocks_plugin.blocks.post_activation import PostActivationResidualBlock
from keras_resblocks_plugin.blocks.pre_activation import PreActivationResidualBlock
from keras_resblocks_plugin.blocks.pre_activation_bottleneck import (
    PreActivationBottleneckResidualBlock,
)
from keras_resblocks_plugin.blocks.residual_block import ResidualBlock

__all__ = [
    "BLOCK_TYPES",
    "BasicResidualBlock",
    "BatchNormResidualBlock",
    "BottleneckResidualBlock",
    "ExpandedResidualBlock",
    "IdentityResidualBlock",
    "PostActivationResidualBlock",
    "PreActivationBottleneckResidualBlock",
    "PreActivationResidualBlock",
    "ResidualBlock",
    "resolve_block_type",
]
