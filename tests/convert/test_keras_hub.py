"""`from_keras_hub`: converted ResNets compute the same outputs."""

import re

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import fill, images
from tests.tiny import assert_refused, photos, predict

# The common arguments of KerasHub's presets, with fewer and narrower stacks.
V1 = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [7],
    "stackwise_num_filters": [64, 8],
    "stackwise_num_blocks": [2, 2],
    "stackwise_num_strides": [1, 2],
}
VD = {**V1, "input_conv_filters": [8, 8, 64], "input_conv_kernel_sizes": [3, 3, 3]}
FAMILIES = {
    "resnet_18": {**V1, "block_type": "basic_block"},
    "resnet_50": {**V1, "block_type": "bottleneck_block"},
    "resnet_v2_18": {**V1, "block_type": "basic_block", "use_pre_activation": True},
    "resnet_v2_50": {**V1, "block_type": "bottleneck_block", "use_pre_activation": True},
    "resnet_vd_18": {**VD, "block_type": "basic_block_vd"},
    "resnet_vd_50": {**VD, "block_type": "bottleneck_block_vd"},
}


def resnet(family="resnet_18", **kwargs):
    return fill(keras_hub.models.ResNetBackbone(**{**FAMILIES[family], **kwargs}))


def assert_same(left, right):
    # The same float32 sums in another order, relative to the largest feature.
    assert left.std() > 0.1
    np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5 * np.abs(left).max())


def pyramid(backbone):
    return keras.Model(backbone.inputs, list(backbone.pyramid_outputs.values()))


@pytest.mark.parametrize("family", FAMILIES)
def test_backbone(family):
    source = resnet(family)
    converted = krp.convert.from_keras_hub(source)
    assert isinstance(converted, krp.ResBlockBackbone)
    assert converted.count_params() == source.count_params()
    assert list(converted.pyramid_outputs) == list(source.pyramid_outputs)
    # Both sides, odd and even, before each stride.
    x = images(1, 69, 50, 3)
    for ours, theirs in zip(pyramid(converted).predict(x), pyramid(source).predict(x), strict=True):
        assert_same(ours, theirs)
    assert_same(predict(converted, x), predict(source, x))


def test_the_family_of_every_keras_hub_preset_is_tested():
    def family(name):
        return re.sub(r"_\d+.*", "", name)

    presets = keras_hub.models.ResNetBackbone.presets
    assert presets
    assert set(map(family, presets)) <= set(map(family, FAMILIES))


def test_classifier_with_its_head_and_its_preprocessing(tmp_path):
    converter = keras_hub.layers.ResNetImageConverter(
        image_size=(32, 28),
        scale=[1 / 58, 1 / 57, 1 / 57],
        offset=[-2.1, -2.0, -1.8],
        crop_to_aspect_ratio=False,
        interpolation="bicubic",
        antialias=True,
    )
    source = keras_hub.models.ResNetImageClassifier(
        resnet(),
        num_classes=5,
        preprocessor=keras_hub.models.ResNetImageClassifierPreprocessor(converter),
        pooling="max",
        activation="softmax",
        dropout=0.1,
    )
    fill(source.output_dense)
    converted = krp.convert.from_keras_hub(source)
    assert isinstance(converted, krp.ResBlockImageClassifier)
    expected = predict(source, photos())
    assert_same(predict(converted, photos()), expected)
    assert converted.dropout == 0.1
    converted.save_to_preset(tmp_path)
    loaded = keras_hub.models.ImageClassifier.from_preset(str(tmp_path))
    assert_same(predict(loaded, photos()), expected)


def test_names_and_preprocessing_are_kept(tmp_path):
    source = resnet(image_shape=(40, 48, 1), dtype="bfloat16")
    converted = krp.convert.from_keras_hub(source)
    assert converted.image_shape == (40, 48, 1)
    assert converted.dtype_policy == source.dtype_policy
    norm = converted.get_layer("stem0_norm")
    theirs = source.get_layer("conv1_bn")
    assert (norm.epsilon, norm.momentum) == (theirs.epsilon, theirs.momentum)


def test_lora_is_merged():
    source = resnet()
    layer = source.get_layer("stack1_block0_1_conv")
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))
    x = images(1, 40, 40, 3)
    assert_same(predict(krp.convert.from_keras_hub(source), x), predict(source, x))


def test_refusals():
    assert_refused(
        lambda: krp.convert.from_keras_hub("resnet_18_imagenet"),
        "`model` must be a `keras_hub.models.ResNetBackbone`",
        "'resnet_18_imagenet'",
    )
    # With strides, KerasHub's own two branches have different sizes.
    both = keras_hub.models.ResNetBackbone(
        **{**FAMILIES["resnet_vd_18"], "stackwise_num_strides": [1, 1]}, use_pre_activation=True
    )
    assert_refused(
        lambda: krp.convert.from_keras_hub(both),
        "`use_pre_activation=True` with a vd block",
        "block_type='basic_block_vd'",
    )
    strided = keras_hub.models.ResNetBackbone(
        **{**FAMILIES["resnet_vd_18"], "stackwise_num_strides": [1, 4]}
    )
    assert_refused(lambda: krp.convert.from_keras_hub(strided), "strides of at most 2", "[1, 4]")
    # KerasHub projects shortcuts of equal shapes; `shortcut="auto"` does not.
    projected = resnet(stackwise_num_filters=[64, 64], stackwise_num_strides=[1, 1])
    assert_refused(
        lambda: krp.convert.from_keras_hub(projected),
        "nothing was converted",
        "Unexpected: stack1_block0_0_bn/beta",
    )
