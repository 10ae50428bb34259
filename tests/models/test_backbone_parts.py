"""Attention, groups, group norm and anti-aliasing in the blocks of a backbone."""

import json

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin import ResBlockBackbone
from keras_resblocks_plugin.layers import SqueezeExcitation
from tests.blocks.user_attention import ChannelScale
from tests.helpers import TOLERANCE, fill, images, to_numpy, values
from tests.models.test_backbone import new, reload
from tests.saving.presets import check_preset, edit
from tests.tiny import assert_refused

X = images(2, 16, 16, 3)
GROUPED = {"groups": 2, "base_width": 32, "antialias": "blur"}
PARTS = {
    "se": dict(block_kwargs={"attention": "se", "antialias": "average"}),
    "eca": dict(block_type="preact", block_kwargs={"attention": "eca"}),
    "squeeze": dict(block_type="act", block_kwargs={"attention": SqueezeExcitation(filters=3)}),
    "users": dict(
        block_type="bottleneck", block_kwargs={"attention": ChannelScale(0.25), **GROUPED}
    ),
    "group": dict(
        block_type="preact_bottleneck",
        stackwise_num_filters=[32, 64],
        input_conv_filters=[32],
        block_kwargs={"normalization": "group", "groups": 2},
    ),
    "drop_path": dict(drop_path_rate=0.2),
}


@pytest.fixture(scope="module", params=PARTS)
def backbone(request):
    return fill(new(**PARTS[request.param]))


def test_config_survives_json(backbone):
    config = json.loads(json.dumps(backbone.get_config()))
    revived = ResBlockBackbone.from_config(config)
    assert revived.get_config() == backbone.get_config()
    assert [w.path for w in revived.weights] == [w.path for w in backbone.weights]
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(backbone)))
    assert keras.saving.deserialize_keras_object(serialized).get_config() == backbone.get_config()
    shapes = {weight.path: tuple(weight.shape) for weight in backbone.weights}
    assert ResBlockBackbone.weight_shapes(serialized["config"]) == shapes


def test_files_and_presets_load(backbone, tmp_path):
    expected = to_numpy(backbone(X))
    np.testing.assert_array_equal(to_numpy(reload(backbone, tmp_path)(X)), expected)
    backbone.save_to_preset(tmp_path / "preset")
    check_preset(tmp_path / "preset")
    for load in (keras_hub.models.Backbone.from_preset, ResBlockBackbone.from_preset):
        loaded = load(str(tmp_path / "preset"))
        np.testing.assert_array_equal(to_numpy(loaded(X)), expected)
        assert loaded.get_config() == backbone.get_config()


def test_each_block_has_an_attention_of_its_own():
    layer = ChannelScale(0.25, dtype="float64")
    backbone = new(block_kwargs={"attention": layer}, dtype="bfloat16")
    # The config holds no layer.
    assert backbone.block_kwargs["attention"]["registered_name"] == "tests>ChannelScale"
    copies = [
        backbone.get_layer(f"stack{i}_block{j}").attention for i, j in ((0, 0), (1, 0), (1, 1))
    ]
    assert len({id(copy) for copy in (*copies, layer)}) == 4
    assert [tuple(copy.scale.shape) for copy in copies] == [(4,), (6,), (6,)]
    assert {(copy.name, copy.scale.dtype, copy.start) for copy in copies} == {
        ("attention", "bfloat16", 0.25)
    }
    assert not layer.built


def test_arguments_at_their_defaults_are_not_in_configs():
    backbone = new(
        block_type="bottleneck",
        block_kwargs={"groups": 1, "base_width": 64, "antialias": None, "attention": None},
    )
    config = backbone.get_layer("stack0_block0").get_config()
    assert not config.keys() & {"groups", "base_width", "antialias", "attention"}


def test_stem_and_output_norms_are_the_blocks():
    for block_type, name in (("preact_bottleneck", "output_norm"), ("bottleneck", "stem0_norm")):
        norm = new(**{**PARTS["group"], "block_type": block_type}).get_layer(name)
        assert isinstance(norm, keras.layers.GroupNormalization)
        assert (norm.groups, norm.epsilon) == (32, 1e-5)


def test_group_norm_has_no_statistics_to_freeze(tmp_path):
    backbone = fill(new(**PARTS["group"], freeze_batch_norm=True))
    loaded = reload(backbone, tmp_path)
    assert loaded.freeze_batch_norm
    assert not any("moving" in weight.path for weight in loaded.weights)
    np.testing.assert_array_equal(to_numpy(loaded(X, training=True)), to_numpy(backbone(X)))


IMPOSSIBLE = [
    {"attention": "senet"},
    {"attention": 1},
    {"attention": {"class_name": "SqueezeExcitation"}},
    {"attention": keras.saving.serialize_keras_object(keras.layers.Dense(4))},
    {"groups": 0},
    {"base_width": 64.0},
    {"antialias": "max"},
    {"normalization": "layer"},
]


@pytest.mark.parametrize("kwargs", IMPOSSIBLE, ids=str)
def test_impossible_arguments_in_a_preset_are_refused(kwargs, tmp_path):
    new(block_type="bottleneck").save_to_preset(tmp_path)
    edit(tmp_path / "config.json", "config.block_kwargs", kwargs)
    file = str(tmp_path / "config.json")
    for load in (check_preset, ResBlockBackbone.from_preset):
        assert_refused(lambda load=load: load(tmp_path), *kwargs, file, folder=tmp_path)


def test_a_backbone_is_no_attention(tmp_path):
    backbone = new()
    backbone.save_to_preset(tmp_path)
    serialized = keras.saving.serialize_keras_object(backbone)
    edit(tmp_path / "config.json", "config.block_kwargs", {"attention": serialized})
    assert_refused(lambda: check_preset(tmp_path), "attention", str(tmp_path / "config.json"))


def test_more_than_the_weights_hold_is_refused_before_it_is_built(tmp_path):
    backbone = new(block_type="bottleneck", block_kwargs={"attention": SqueezeExcitation()})
    backbone.save_to_preset(tmp_path)
    huge = backbone.get_config()["block_kwargs"]
    huge["attention"]["config"]["filters"] = 1 << 20
    for kwargs, told in (
        (huge, "stack0_block0/attention/squeeze/kernel"),
        ({**huge, "base_width": 1 << 20}, "stack0_block0/conv2/kernel"),
    ):
        edit(tmp_path / "config.json", "config.block_kwargs", kwargs)
        assert_refused(lambda: check_preset(tmp_path), told, str(tmp_path))


# === The stem's pooling ===
def pooled_windows(x, value, size, reduce, padding=1):
    """Windows of every second pixel, reduced."""
    x = np.pad(x, [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)], constant_values=value)
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
    return reduce(windows[:, ::2, ::2], axis=(-2, -1))


def max_blur(x):
    x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    x = np.pad(windows.max((-2, -1)), [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    return np.einsum("bijcyx,y,x->bijc", windows[:, ::2, ::2], *[[0.25, 0.5, 0.25]] * 2)


@pytest.mark.parametrize(
    ("pooling", "expected", "pixels"),
    [
        ("max", lambda x: pooled_windows(x, -np.inf, 3, np.max), 4),
        ("max_zero_padded", lambda x: pooled_windows(x, 0.0, 3, np.max), 4),
        # As PyTorch, without the last pixel of an odd side.
        ("average", lambda x: pooled_windows(x, 0.0, 2, np.mean, padding=0), 3),
        ("max_blur", max_blur, 4),
    ],
)
def test_input_pooling(pooling, expected, pixels, tmp_path):
    # The convolution of a pre-activation stem is bare, so that its outputs may be negative.
    backbone = fill(new(block_type="preact", input_pooling=pooling, image_shape=(14, 14, 3)))
    pool = backbone.get_layer("stem_pool")
    stem = keras.Model(backbone.input, [backbone.get_layer("stem0_conv").output, pool.output])
    before, after = map(to_numpy, stem(images(2, 14, 14, 3)))
    assert after.shape == (2, *pool.output.shape[1:]) == (2, pixels, pixels, 4)
    np.testing.assert_allclose(after, expected(before), **TOLERANCE)
    assert list(backbone.pyramid_outputs) == ["P2", "P3"]
    loaded = reload(backbone, tmp_path)
    assert loaded.input_pooling == pooling
    loaded.save_to_preset(tmp_path / "preset")
    assert ResBlockBackbone.from_preset(tmp_path / "preset").input_pooling == pooling


# === What is done with a backbone ===
@pytest.fixture
def resnext():
    kwargs = {"attention": "se", "drop_path_rate": 0.5, **GROUPED}
    return fill(new(block_type="bottleneck", block_kwargs=kwargs))


def test_drop_path_drops_the_attention_too(resnext):
    block = resnext.get_layer("stack1_block1")
    x = np.repeat(images(1, 4, 4, 24), 64, 0)
    y = to_numpy(block(x, training=True))
    dropped = to_numpy(block.output_activation(block.shortcut(x)))
    share = np.isclose(y, dropped, **TOLERANCE).all(axis=(1, 2, 3)).mean()
    # Of 64 samples, with a standard deviation of 1/16; the bound is five of them.
    assert abs(share - 0.5) < 0.32


@pytest.mark.parametrize("strategy", ["linear", "norm", "lora"])
def test_strategies_train_and_save(resnext, strategy, tmp_path):
    krp.freeze(resnext, strategy)
    trained = {weight.path for weight in resnext.trainable_weights}
    kinds = {"linear": set(), "norm": {"gamma", "beta"}, "lora": {"lora_kernel_a", "lora_kernel_b"}}
    assert {path.rpartition("/")[2] for path in trained} == kinds[strategy]
    if trained:
        before = values(resnext)
        resnext.compile(keras.optimizers.SGD(0.1), "mse")
        resnext.fit(X, images(2, 4, 4, 24), epochs=3, verbose=0)
        after = values(resnext)
        assert {path for path in before if (before[path] != after[path]).any()} <= trained
        assert "stack1_block0/conv2/lora_kernel_a" in trained or strategy == "norm"
    expected = to_numpy(resnext(X))
    loaded = reload(resnext, tmp_path)
    np.testing.assert_allclose(to_numpy(loaded(X)), expected, **TOLERANCE)
    assert {weight.path for weight in loaded.trainable_weights} == trained
    # A preset has LoRA merged.
    resnext.save_to_preset(tmp_path / "preset")
    merged = ResBlockBackbone.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(to_numpy(merged(X)), expected, **TOLERANCE)
