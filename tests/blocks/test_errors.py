"""Invalid input to a block raises a ValueError with the argument, the rule and the value."""

import re

import keras
import pytest

from keras_resblocks_plugin import blocks
from keras_resblocks_plugin.blocks import BatchNormResidualBlock, ResidualBlock
from tests.helpers import images


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("filters", 0, "must be a positive integer"),
        ("filters", 2.0, "must be a positive integer"),
        ("filters", True, "must be a positive integer"),
        ("filters", None, "must be a positive integer"),
        ("kernel_size", 2, "must be a positive odd integer"),
        ("kernel_size", (3, 3), "must be a positive odd integer"),
        ("strides", -1, "must be a positive integer"),
        ("strides", "2", "must be a positive integer"),
        ("activation", "nonsense", "must be the name of a Keras activation"),
        ("output_activation", 3, "must be the name of a Keras activation"),
        ("shortcut", "conv", "must be one of 'auto', 'projection', 'pad', 'avg_pool'"),
        ("shortcut", None, "must be one of 'auto', 'projection', 'pad', 'avg_pool'"),
        ("normalization", "layer", "must be one of None, 'batch'"),
        ("normalization", True, "must be one of None, 'batch'"),
        ("drop_path_rate", 1.0, "must be a number in [0, 1)"),
        ("drop_path_rate", -0.1, "must be a number in [0, 1)"),
        ("drop_path_rate", float("nan"), "must be a number in [0, 1)"),
        ("drop_path_rate", "0.1", "must be a number in [0, 1)"),
        ("drop_path_rate", None, "must be a number in [0, 1)"),
        ("drop_path_rate", False, "must be a number in [0, 1)"),
        ("zero_init_residual", "False", "must be one of False, True"),
        ("data_format", "channels", "must be one of 'channels_last', 'channels_first'"),
    ],
)
def test_bad_arguments(name, value, rule):
    message = f"`{name}` {re.escape(rule)}.*{re.escape(f'Received: {name}={value!r}')}"
    with pytest.raises(ValueError, match=message):
        BatchNormResidualBlock(**{"filters": 4, name: value})


def test_unknown_arguments():
    with pytest.raises(ValueError, match="unknown_argument"):
        BatchNormResidualBlock(4, unknown_argument=1)


def test_every_block_checks_its_arguments():
    for block_cls in blocks.BLOCK_TYPES.values():
        with pytest.raises(ValueError, match="`strides` must be a positive integer"):
            block_cls(4, strides=0)


def test_input_of_the_wrong_rank():
    with pytest.raises(ValueError, match=r"`inputs`.* rank 4.*Received: input_shape=\(8, 8, 4\)"):
        BatchNormResidualBlock(4)(images(8, 8, 4))


def test_input_of_unknown_channels():
    with pytest.raises(
        ValueError, match=r"`inputs` must have a known number of channels.*Received"
    ):
        BatchNormResidualBlock(4)(keras.Input((8, 8, None)))


@pytest.mark.usefixtures("one_group")
@pytest.mark.parametrize("block_cls", blocks.BLOCK_TYPES.values())
def test_input_of_another_shape_than_the_block_was_built_for(block_cls):
    block = block_cls(4, shortcut="pad")
    block.build((None, 8, 8, 4))
    for shape in ((1, 8, 8, 3), (8, 8, 4)):
        with pytest.raises(ValueError, match="is incompatible with the layer: expected"):
            block(images(*shape))


def test_a_group_width_that_does_not_divide():
    with pytest.raises(ValueError, match=r"`group_width` must divide `filters`.*group_width=3"):
        blocks.RegNetResidualBlock(4, group_width=3)
    # One group.
    assert blocks.RegNetResidualBlock(4, group_width=7).group_width == 7


def test_pad_cannot_remove_channels():
    with pytest.raises(ValueError, match=r'`shortcut="pad"` can only add channels.*at most 4'):
        BatchNormResidualBlock(4, shortcut="pad")(images(1, 8, 8, 6))


def test_the_template_is_abstract():
    with pytest.raises(NotImplementedError, match="ResidualBlock must define `build_residual"):
        ResidualBlock(4)(images(1, 8, 8, 4))


def test_two_layers_of_one_name():
    class Twins(blocks.ResidualBlock):
        def build_residual(self, input_shape):
            self.conv1 = self.conv(self.filters, 3, name="conv")
            self.conv2 = self.conv(self.filters, 3, name="conv")
            return self.build_in_order(input_shape, self.conv1, self.conv2)

    with pytest.raises(ValueError, match=r"must have different names.*conv/bias.*conv/kernel"):
        Twins(4).build((None, 8, 8, 4))


def test_zero_init_of_a_branch_that_cannot_start_at_zero():
    class Gate(blocks.ResidualBlock):
        def build_residual(self, input_shape):
            self.gate = keras.layers.Dense(self.filters, name="gate")
            return self.build_in_order(input_shape, self.gate)

    Gate(4).build((None, 8, 8, 4))
    with pytest.raises(ValueError, match=r"needs a residual branch that ends in.*Dense"):
        Gate(4, zero_init_residual=True).build((None, 8, 8, 4))


def test_a_residual_branch_of_another_shape():
    class NarrowBlock(ResidualBlock):
        def build_residual(self, input_shape):
            self.conv1 = self.conv(self.filters - 1, 3, name="conv1")
            return self.build_in_order(input_shape, self.conv1)

    with pytest.raises(ValueError, match=r"`NarrowBlock` must end in shape \(1, 8, 8, 4\).*Rec"):
        NarrowBlock(4)(images(1, 8, 8, 4))
