"""Folding, freezing and LoRA work on attention, groups, anti-aliasing and standardized kernels."""

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.lora._layers import lora_layers
from tests.helpers import TOLERANCE, images, to_numpy
from tests.tiny import tiny_backbone

GROUPS = {"groups": 2, "antialias": "blur", "attention": "eca"}
FOLDABLE = {
    "regnet": dict(block_type="regnet", block_kwargs={"group_width": 2, "attention": "se"}),
    "groups": dict(block_type="bottleneck", input_pooling="max_blur", block_kwargs=GROUPS),
    "average": dict(block_kwargs={"antialias": "average", "attention": "se"}),
}


def bit():
    lists = dict(stackwise_num_filters=[32, 32], input_conv_filters=[32])
    other = dict(stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2])
    stem = dict(input_conv_kernel_sizes=[3], input_conv_strides=[2])
    return krp.ResBlockBackbone("bit", **lists, **other, **stem)


@pytest.mark.parametrize("name", FOLDABLE)
def test_folding_keeps_the_outputs(name):
    backbone = tiny_backbone(**FOLDABLE[name])
    x = images(2, 16, 16, 3)
    folded = krp.fold_batch_norm(backbone)
    np.testing.assert_allclose(to_numpy(folded(x)), to_numpy(backbone(x)), rtol=1e-4, atol=1e-5)
    assert not any("moving_mean" in weight.path for weight in folded.weights)


def test_group_norm_is_not_folded():
    with pytest.raises(ValueError, match="no batch norm, so nothing can be folded"):
        krp.fold_batch_norm(bit())


def test_scales_and_shifts_of_group_norm_learn():
    backbone = bit()
    krp.freeze(backbone, "norm")
    assert {weight.name for weight in backbone.trainable_weights} == {"gamma", "beta"}


@pytest.mark.parametrize("name", [*FOLDABLE, "bit"])
def test_lora_is_merged_when_saved(name, tmp_path):
    backbone = bit() if name == "bit" else tiny_backbone(**FOLDABLE[name])
    krp.freeze(backbone, "lora", rank=2)
    for layer in lora_layers(backbone):
        layer.lora_kernel_b.assign(images(*layer.lora_kernel_b.shape) / 10)
    x = images(2, 16, 16, 3)
    backbone.save_to_preset(tmp_path / "preset")
    loaded = krp.ResBlockBackbone.from_preset(str(tmp_path / "preset"))
    assert not lora_layers(loaded)
    np.testing.assert_allclose(to_numpy(loaded(x)), to_numpy(backbone(x)), **TOLERANCE)
    adapted = {layer.name for layer in lora_layers(backbone)}
    assert ({"squeeze", "excite"} <= adapted) == (name in ("regnet", "average"))
