"""Each block fulfils the contract."""

import pytest

from keras_resblocks_plugin import blocks
from keras_resblocks_plugin.layers import SqueezeExcitation
from tests.blocks.contract import FILTERS, BlockContract
from tests.blocks.user_block import GatedResidualBlock
from tests.tiny import tiny_backbone


class TestBasic(BlockContract):
    block_cls = blocks.BasicResidualBlock
    starts_as_shortcut = False

    def test_zero_init_residual_is_refused(self):
        with pytest.raises(ValueError, match=r"`zero_init_residual` needs.*Received: zero"):
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


class TestBottleneckV1(BlockContract):
    block_cls = blocks.BottleneckV1ResidualBlock


class TestKerasPreActivationBottleneck(BlockContract):
    block_cls = blocks.KerasPreActivationBottleneckResidualBlock
    biased = frozenset({"conv3", "shortcut_conv"})


class TestMLPerfTiny(BlockContract):
    block_cls = blocks.MLPerfTinyResidualBlock


class TestRegNet(BlockContract):
    block_cls = blocks.RegNetResidualBlock
    kwargs = {"group_width": 2}


class TestRegNetY(BlockContract):
    block_cls = blocks.RegNetResidualBlock
    # "se" would squeeze to one channel, which a ReLU may switch off for good.
    kwargs = {"group_width": 2, "attention": SqueezeExcitation(filters=8)}
    learning_rate = 0.01


class TestBiT(BlockContract):
    block_cls = blocks.BiTResidualBlock
    # A standardized kernel that starts at zero has large gradients in its first step.
    learning_rate = 0.001


@pytest.mark.parametrize("block_cls", blocks.BLOCK_TYPES.values())
def test_blocks_are_siblings(block_cls):
    others = set(blocks.BLOCK_TYPES.values()) - {block_cls}
    assert not issubclass(block_cls, tuple(others))


@pytest.mark.parametrize("block_cls", blocks.BLOCK_TYPES.values())
def test_defaults_are_class_attributes(block_cls):
    config = block_cls(FILTERS).get_config()
    for name in ("activation", "output_activation", "normalization"):
        default = getattr(block_cls, f"default_{name}")
        assert config == block_cls(FILTERS, name=config["name"], **{name: default}).get_config()


@pytest.mark.usefixtures("one_group")
@pytest.mark.parametrize("block_type", blocks.BLOCK_TYPES)
def test_a_backbone_of_pre_activation_blocks_ends_in_norm_and_relu(block_type):
    names = [layer.name for layer in tiny_backbone(block_type).layers]
    preactivates = blocks.BLOCK_TYPES[block_type].preactivates
    assert (names[-2:] == ["output_norm", "output_relu"]) == preactivates
    assert ("stem0_relu" in names) != preactivates


class TestUsersOwn(BlockContract):
    """A subclass that the package does not know, and that sets no class attributes."""

    block_cls = GatedResidualBlock
    kwargs = {"reduction": 1}
