"""Each block, held to the contract."""

import pytest

from keras_resblocks_plugin import blocks
from tests.blocks.contract import FILTERS, BlockContract
from tests.blocks.user_block import GatedResidualBlock


class TestBasic(BlockContract):
    block_cls = blocks.BasicResidualBlock
    starts_as_shortcut = False

    def test_zero_init_residual_is_refused(self):
        with pytest.raises(ValueError, match=r"`zero_init_residual` must be False.*Received: zero"):
            blocks.BasicResidualBlock(FILTERS, zero_init_residual=True)


class TestPostActivation(BlockContract):
    block_cls = blocks.PostActivationResidualBlock


class TestBatchNorm(BlockContract):
    block_cls = blocks.BatchNormResidualBlock


class TestExpanded(BlockContract):
    block_cls = blocks.ExpandedResidualBlock


class TestIdentity(BlockContract):
    block_cls = blocks.IdentityResidualBlock

    def test_zero_init_residual_is_refused_behind_an_activation(self):
        with pytest.raises(ValueError, match="`zero_init_residual` needs `activation=None`"):
            blocks.IdentityResidualBlock(FILTERS, activation="relu", zero_init_residual=True)


class TestPreActivation(BlockContract):
    block_cls = blocks.PreActivationResidualBlock


class TestBottleneck(BlockContract):
    block_cls = blocks.BottleneckResidualBlock


class TestPreActivationBottleneck(BlockContract):
    block_cls = blocks.PreActivationBottleneckResidualBlock


class TestUsersOwn(BlockContract):
    """A subclass that the package knows nothing of keeps the promises too."""

    block_cls = GatedResidualBlock
    kwargs = {"reduction": 1}
