"""The architecture in timm's `config.json`: names, and arguments that differ from them."""

import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.convert._timm_config import backbone_arguments
from keras_resblocks_plugin.convert._timm_networks import NETWORKS
from tests.tiny import assert_refused


def arguments(architecture, **model_args):
    return backbone_arguments({"architecture": architecture, "model_args": model_args})


def test_a_name_may_have_a_tag():
    assert arguments("resnext50_32x4d.tv2_in1k") == {
        "block_type": "bottleneck",
        "stackwise_num_filters": [64, 128, 256, 512],
        "stackwise_num_blocks": [3, 4, 6, 3],
        "stackwise_num_strides": [1, 2, 2, 2],
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "input_conv_strides": [2],
        "input_pooling": "max",
        "block_kwargs": {"groups": 32, "base_width": 4},
        "image_shape": (None, None, 3),
        "data_format": "channels_last",
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_the_config_of_every_network_is_valid(name):
    config = arguments(name)
    shapes = krp.ResBlockBackbone.weight_shapes(config)
    names = [NETWORKS[name].timm_class.layout(config).name(path) for path in shapes]
    assert len(set(names)) == len(names) > 40


def test_arguments_are_applied():
    stem = {"stem_type": "deep_tiered", "stem_width": 16, "avg_down": True}
    changed = arguments("resnet50", layers=[1, 1, 1, 1], in_chans=1, drop_rate=0.5, **stem)
    assert changed["stackwise_num_blocks"] == [1, 1, 1, 1]
    assert changed["image_shape"] == (None, None, 1)
    assert changed["input_conv_filters"] == [12, 16, 32]
    assert changed["block_kwargs"] == {"shortcut": "avg_pool"}
    assert arguments("resnet50", cardinality=32, base_width=4) == arguments("resnext50_32x4d")
    assert arguments("resnet50", base_width=128) == arguments("wide_resnet50_2")
    assert arguments("resnetv2_50", stem_type="deep", avg_down=True) == arguments("resnetv2_50d")
    tripled = {"channels": [768, 1536, 3072, 6144], "stem_chs": 192}
    assert arguments("resnetv2_50x1_bit", **tripled) == arguments("resnetv2_50x3_bit")
    assert arguments("regnetx_002", se_ratio=0.25) == arguments("regnety_002")


def test_defaults_of_timm_change_nothing():
    assert arguments("resnet18", output_stride=32, act_layer="relu") == arguments("resnet18")


@pytest.mark.parametrize(
    ("name", "changes", "error"),
    [
        ("resnet50", {"output_stride": 8}, "{'output_stride': 8}"),
        ("resnet50", {"act_layer": "silu", "drop_rate": 0.1}, "{'act_layer': 'silu'}"),
        ("resnet50", {"block_args": {"attn_layer": "se"}}, "'attn_layer': 'se'"),
        ("resnet50", {"global_pool": "catavgmax"}, "{'global_pool': 'catavgmax'}"),
        ("resnetv2_50x1_bit", {"layers": [1, 1, 1, 1]}, "{'layers': [1, 1, 1, 1]}"),
        ("resnet50", {"layers": [3, 4, 6]}, "`model_args.layers` in `config.json`"),
        ("resnet50", {"channels": [64, 128, 256, "a"]}, "`model_args.channels[3]`"),
        ("resnet50", {"layers": [10**9] * 4}, "`model_args.layers["),
        ("resnet50", {"stem_width": True}, "`model_args.stem_width`"),
        ("resnetv2_50", {"channels": [8, 16, 8, 16]}, "`channels` must be multiples of 32"),
        ("regnetx_002", {"wa": 0}, "must have 4 stacks"),
        ("regnetx_002", {"depth": 10**9}, "`model_args.depth`"),
        ("regnety_002", {"se_ratio": 0.5}, "`model_args.se_ratio`"),
    ],
)
def test_other_arguments_are_refused(name, changes, error):
    assert_refused(lambda: arguments(name, **changes), error)
