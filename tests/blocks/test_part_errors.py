"""Invalid attention, groups or anti-aliasing raises a ValueError with the rule and the fix."""

import re

import keras
import pytest

from keras_resblocks_plugin import blocks
from keras_resblocks_plugin.blocks import BatchNormResidualBlock, BottleneckResidualBlock
from tests.blocks.user_attention import ChannelScale
from tests.blocks.user_block import GatedResidualBlock
from tests.helpers import images


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("attention", "senet", "must be one of None, 'se', 'eca', or a layer"),
        ("attention", True, "must be one of None, 'se', 'eca', or a layer"),
        ("attention", ChannelScale, "must be one of None, 'se', 'eca', or a layer"),
        ("attention", {"class_name": "ChannelScale"}, "must be one of None, 'se', 'eca'"),
        (
            "attention",
            {**keras.saving.serialize_keras_object(ChannelScale()), "config": 3},
            "must be one of None, 'se', 'eca'",
        ),
        ("normalization", "layer", "must be one of None, 'batch', 'group'"),
        ("antialias", "max", "must be one of None, 'average', 'blur'"),
        ("antialias", True, "must be one of None, 'average', 'blur'"),
        ("groups", 0, "must be a positive integer"),
        ("groups", 2.0, "must be a positive integer"),
        ("base_width", "64", "must be a positive integer"),
    ],
)
def test_bad_arguments(name, value, rule):
    message = f"`{name}` {re.escape(rule)}.*{re.escape(f'Received: {name}={value!r}')}"
    with pytest.raises(ValueError, match=message):
        BottleneckResidualBlock(**{"filters": 4, name: value})


def test_a_width_of_no_channels():
    rule = r"`filters \* base_width` must be at least 64.*Received: filters=4, base_width=15"
    with pytest.raises(ValueError, match=rule):
        BottleneckResidualBlock(4, groups=32, base_width=15)


@pytest.mark.parametrize("name", ["groups", "antialias"])
def test_blocks_without_the_argument_refuse_it(name):
    value = {"groups": 2, "antialias": "blur"}[name]
    with pytest.raises(ValueError, match=f"`PostActivationResidualBlock` has no argument `{name}`"):
        blocks.PostActivationResidualBlock(4, **{name: value})


def test_attention_of_an_unregistered_class():
    class Unregistered(ChannelScale):
        pass

    for layer in (Unregistered(), keras.layers.ReLU()):
        with pytest.raises(ValueError, match=r"of a registered class.*register_keras_serializable"):
            BatchNormResidualBlock(4, attention=layer)


def test_a_model_is_no_attention():
    @keras.saving.register_keras_serializable("tests")
    class GateModel(keras.Model):
        pass

    with pytest.raises(ValueError, match=r"or a layer \(no model\) of a registered"):
        BatchNormResidualBlock(4, attention=GateModel())


def test_attention_that_cannot_be_copied():
    @keras.saving.register_keras_serializable("tests")
    class Nameless(keras.layers.Layer):
        def __init__(self):
            super().__init__()

        def get_config(self):
            return {}

    block = BatchNormResidualBlock(4, attention=Nameless())
    with pytest.raises(ValueError, match=r"`from_config\(\)`.* `name` and `dtype`.*Nameless"):
        block.build((None, 8, 8, 4))


def test_attention_that_changes_the_shape():
    @keras.saving.register_keras_serializable("tests")
    class Means(keras.layers.Layer):
        def call(self, inputs):
            return keras.ops.mean(inputs, axis=(1, 2), keepdims=True)

    with pytest.raises(ValueError, match=r"must end in shape \(1, 8, 8, 4\).*\(1, 1, 1, 4\)"):
        BatchNormResidualBlock(4, attention=Means())(images(1, 8, 8, 4))


def test_attention_in_a_block_that_does_not_apply_it():
    block = GatedResidualBlock(4, attention="se")
    rule = r"`attention` needs a block that applies it, which `GatedResidualBlock` does not: create"
    with pytest.raises(ValueError, match=rule):
        block.build((None, 8, 8, 4))


def test_group_norm_of_channels_that_do_not_divide():
    with pytest.raises(ValueError, match=r"`normalization=\"group\"`.*32 groups.*48"):
        BatchNormResidualBlock(48, normalization="group").build((None, 8, 8, 48))
