"""Blocks fulfil the contract with each attention, groups, widths and both anti-aliasings."""

from keras_resblocks_plugin import blocks
from tests.blocks.contract import BlockContract
from tests.blocks.user_attention import ChannelScale


class TestBasic(BlockContract):
    block_cls = blocks.BasicResidualBlock
    kwargs = {"attention": "se"}
    starts_as_shortcut = False


class TestBatchNormWithBlur(BlockContract):
    block_cls = blocks.BatchNormResidualBlock
    kwargs = {"attention": "eca", "antialias": "blur"}


class TestExpanded(BlockContract):
    block_cls = blocks.ExpandedResidualBlock
    kwargs = {"attention": ChannelScale(0.25)}


class TestBottleneck(BlockContract):
    block_cls = blocks.BottleneckResidualBlock
    kwargs = {"attention": "se", "groups": 2, "base_width": 32, "antialias": "blur"}


class TestWideBottleneck(BlockContract):
    block_cls = blocks.BottleneckResidualBlock
    kwargs = {"attention": ChannelScale(), "base_width": 128, "antialias": "average"}


class TestPreActivationBottleneck(BlockContract):
    block_cls = blocks.PreActivationBottleneckResidualBlock
    kwargs = {"attention": "se", "groups": 2}
