"""What is thawed learns again, whichever way the Keras guide thaws it."""

import pytest

import keras_resblocks_plugin as krp
from tests.tiny import tiny_backbone
from tests.transforms.frozen import HEAD, learnable, moving, tiny_classifier


def thaw_the_backbone(classifier):
    classifier.backbone.trainable = True
    return classifier.backbone


def thaw_the_model(classifier):
    classifier.trainable = True
    return classifier.backbone


def thaw_by_turning_off_and_on(classifier):
    classifier.backbone.trainable = False
    classifier.backbone.trainable = True
    return classifier.backbone


def thaw_the_last_layers(classifier):
    block = classifier.backbone.get_layer("stack1_block0")
    for layer in classifier.backbone.layers:
        layer.trainable = layer is block
    return block


def thaw_one_block(classifier):
    block = classifier.backbone.get_layer("stack1_block0")
    block.trainable = True
    return block


def thaw_a_layer_in_a_block(classifier):
    conv = classifier.backbone.get_layer("stack1_block0").conv1
    conv.trainable = True
    return conv


def thaw_by_freezing_nothing(classifier):
    krp.freeze(classifier, "full")
    return classifier.backbone


THAWING = [
    thaw_the_backbone,
    thaw_the_model,
    thaw_by_turning_off_and_on,
    thaw_the_last_layers,
    thaw_one_block,
    thaw_a_layer_in_a_block,
    thaw_by_freezing_nothing,
]


@pytest.mark.parametrize(
    ("thaw", "block_type"),
    [*((thaw, "bn") for thaw in THAWING), (thaw_the_backbone, "act")],
)
def test_what_is_thawed_learns(thaw, block_type):
    classifier = tiny_classifier(tiny_backbone(block_type))
    krp.freeze(classifier, "linear")
    assert moving(classifier) == HEAD
    thawed = thaw(classifier)
    # Frozen statistics are configuration of their own.
    assert moving(classifier) == HEAD | learnable(thawed)
    classifier.backbone.trainable = False
    assert moving(classifier) == HEAD


@pytest.mark.parametrize("flag", [False, True])
def test_a_models_own_flag_reaches_everything_after_freezing(flag):
    classifier = tiny_classifier()
    krp.freeze(classifier, "norm")
    classifier.trainable = flag
    expected = HEAD | learnable(classifier.backbone) if flag else set()
    assert {w.path for w in classifier.trainable_weights} == expected
    assert {w.path for w in classifier.weights if w.trainable} == expected
