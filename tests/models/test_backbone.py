"""The configuration, the pyramid and the training of the backbone."""

import json

import keras
import keras_hub
import numpy as np
import pytest

from keras_resblocks_plugin import ResBlockBackbone
from keras_resblocks_plugin.blocks import BLOCK_TYPES
from tests.blocks.user_block import GatedResidualBlock
from tests.helpers import fill, images, needs_channels_first, to_numpy, values

SMALL = dict(
    block_type="bn",
    stackwise_num_filters=[4, 6],
    stackwise_num_blocks=[1, 2],
    stackwise_num_strides=[1, 2],
    input_conv_filters=[4],
    input_conv_kernel_sizes=[3],
    input_conv_strides=[2],
)
USERS = dict(block_type=GatedResidualBlock, block_kwargs={"reduction": 1})


def new(**kwargs):
    return ResBlockBackbone(**{**SMALL, **kwargs})


def reload(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras")


# === Block types ===
@pytest.mark.usefixtures("one_group")
@pytest.mark.parametrize("block_type", [*BLOCK_TYPES, "tests>GatedResidualBlock"])
def test_every_block_type_by_class_and_by_name(block_type):
    cls = BLOCK_TYPES.get(block_type, GatedResidualBlock)
    by_class, by_name = new(block_type=cls), new(block_type=block_type)
    assert by_class.block_type == by_name.block_type == block_type
    assert type(by_class.get_layer("stack1_block1")) is cls
    assert by_class.get_config() == {**by_name.get_config(), "name": by_class.name}
    assert by_class.output_shape == (None, None, None, 6 * cls.expansion)


def test_a_users_block_saves_and_loads(tmp_path):
    backbone = fill(new(**USERS))
    loaded = reload(backbone, tmp_path)
    assert loaded.get_config() == backbone.get_config()
    assert type(loaded.get_layer("stack0_block0")) is GatedResidualBlock
    assert loaded.get_layer("stack0_block0").reduction == 1
    x = images(1, 8, 8, 3)
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(backbone(x)))


# === Configuration ===
def test_config_survives_json():
    backbone = new(
        input_conv_filters=(3, 4),
        input_conv_kernel_sizes=(5, 1),
        input_conv_strides=(1, 2),
        input_pooling="max",
        block_kwargs={
            "shortcut": "avg_pool",
            "activation": "gelu",
            "drop_path_rate": 0.25,
            "zero_init_residual": True,
        },
        freeze_batch_norm=True,
        image_shape=(16, None, 4),
        data_format="channels_last",
        dtype="bfloat16",
        name="mine",
    )
    config = json.loads(json.dumps(backbone.get_config()))
    revived = ResBlockBackbone.from_config(config)
    assert revived.get_config() == backbone.get_config()
    assert [w.path for w in revived.weights] == [w.path for w in backbone.weights]
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(backbone)))
    assert keras.saving.deserialize_keras_object(serialized).get_config() == backbone.get_config()


def test_functions_and_numpy_numbers_as_arguments(tmp_path):
    backbone = new(
        stackwise_num_filters=list(np.array([4, 6])),
        block_kwargs={"activation": keras.activations.gelu},
    )
    loaded = reload(backbone, tmp_path)
    assert loaded.stackwise_num_filters == [4, 6]
    assert loaded.get_layer("stack0_block0").activation is keras.activations.gelu


def test_block_kwargs_reach_every_block_and_the_shortcut_only_the_first():
    kwargs = {"shortcut": "projection", "drop_path_rate": 0.5, "kernel_size": 5}
    backbone = new(stackwise_num_filters=[4, 4], stackwise_num_strides=[1, 1], block_kwargs=kwargs)
    blocks = [backbone.get_layer(f"stack{i}_block{j}") for i, j in ((0, 0), (1, 0), (1, 1))]
    # The shapes match everywhere. A named shortcut projects anyway.
    assert [block.shortcut_type for block in blocks] == ["projection", "projection", "auto"]
    assert [block.projects for block in blocks] == [True, True, False]
    assert [block.drop_path_rate for block in blocks] == [0.5] * 3
    assert [block.kernel_size for block in blocks] == [5] * 3


def test_drop_path_rates_rise_with_the_depth():
    backbone = new(stackwise_num_filters=[4, 4], stackwise_num_strides=[1, 1], drop_path_rate=0.2)
    blocks = [backbone.get_layer(f"stack{i}_block{j}") for i, j in ((0, 0), (1, 0), (1, 1))]
    assert [block.drop_path_rate for block in blocks] == [0.0, 0.1, 0.2]
    assert backbone.get_config()["drop_path_rate"] == 0.2
    # Files of earlier versions stay as they are.
    assert "drop_path_rate" not in new().get_config()


@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_other_than_three_channels(channels):
    backbone = new(image_shape=(None, None, channels))
    assert backbone.predict(images(1, 8, 8, channels), verbose=0).shape == (1, 2, 2, 6)
    # Keras checks first, but accepts three channels for one.
    message = r"`inputs` must be a batch of images of shape|is incompatible with the layer"
    with pytest.raises(ValueError, match=rf"({message}).*\(1, 8, 8, 3\)"):
        backbone(images(1, 8, 8, 3))


def test_channels_first_reorders_the_default_image_shape():
    backbone = new(data_format="channels_first")
    assert backbone.input_shape == (None, 3, None, None)
    assert backbone.output_shape == (None, 6, None, None)
    assert ResBlockBackbone.from_config(backbone.get_config()).input_shape == backbone.input_shape


@needs_channels_first
def test_channels_first_gives_the_same_numbers():
    last = fill(new(input_pooling="max", data_format="channels_last"))
    first = new(input_pooling="max", data_format="channels_first")
    first.set_weights(last.get_weights())
    x = images(1, 13, 16, 3)
    expected = to_numpy(last(x)).transpose(0, 3, 1, 2)
    actual = to_numpy(first(x.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


# === Pyramid ===
@pytest.mark.parametrize(
    ("kwargs", "strides"),
    [
        (dict(), {"P1": 2, "P2": 4}),
        (dict(input_pooling="max"), {"P2": 4, "P3": 8}),
        (dict(stackwise_num_strides=[2, 1]), {"P2": 4}),
        (dict(input_conv_strides=[1], stackwise_num_strides=[1, 4]), {"P0": 1, "P2": 4}),
    ],
    ids=["strided stem", "max pooling", "two stacks on a level", "no strides and a large one"],
)
def test_pyramid_keys_follow_the_true_stride(kwargs, strides):
    backbone = new(**kwargs)
    pyramid = keras.Model(backbone.input, backbone.pyramid_outputs)(keras.Input((32, 48, 3)))
    sizes = {key: level.shape[1:3] for key, level in pyramid.items()}
    assert sizes == {key: (32 // stride, 48 // stride) for key, stride in strides.items()}
    # A level of several stacks has the features of the last one.
    assert pyramid[max(sizes)].shape[-1] == 6


def test_stem_and_output_of_the_block_types():
    def stem(**kwargs):
        names = [layer.name for layer in new(**kwargs).layers]
        return [name for name in names if "block" not in name and "pool" not in name][1:]

    two = dict(
        input_conv_filters=[2, 4], input_conv_kernel_sizes=[3] * 2, input_conv_strides=[1, 2]
    )
    first = ["stem0_conv", "stem0_norm", "stem0_relu"]
    assert stem(**two) == [*first, "stem1_conv", "stem1_norm", "stem1_relu"]
    preact = [*first, "stem1_conv", "output_norm", "output_relu"]
    assert stem(**two, block_type="preact") == preact
    assert stem(**two, block_type="preact_bottleneck", input_pooling="max") == preact
    unnormalized = new(**two, block_type="act")
    assert not any("norm" in weight.path for weight in unnormalized.weights)


# === Training ===
@pytest.mark.parametrize("block_type", ["bn", "preact"])
def test_frozen_batch_norm_survives_saving_and_learns_its_scales(block_type, tmp_path):
    backbone = fill(new(block_type=block_type, freeze_batch_norm=True))
    loaded = reload(backbone, tmp_path)
    assert loaded.freeze_batch_norm
    x = images(4, 8, 8, 3)
    # Training and inference are the same function, without statistics of the batch.
    np.testing.assert_array_equal(to_numpy(loaded(x, training=True)), to_numpy(backbone(x)))
    before = values(loaded)
    loaded.compile(keras.optimizers.SGD(0.1), "mse")
    loaded.fit(x, images(4, 2, 2, 6), epochs=2, verbose=0)
    changed = {path for path, value in values(loaded).items() if (value != before[path]).any()}
    assert changed == {weight.path for weight in loaded.trainable_weights}
    assert {path for path in before if "moving_" in path}.isdisjoint(changed)
    assert any(path.endswith("norm1/gamma") for path in changed)


# === KerasHub's tasks ===
@pytest.fixture(scope="module")
def pyramid_backbone():
    return new(
        stackwise_num_filters=[4, 4, 6, 8],
        stackwise_num_blocks=[1] * 4,
        stackwise_num_strides=[2] * 4,
    )


def test_deeplab_takes_it_as_image_encoder(pyramid_backbone):
    deeplab = keras_hub.models.DeepLabV3Backbone(
        image_encoder=pyramid_backbone,
        projection_filters=4,
        spatial_pyramid_pooling_key="P5",
        upsampling_size=8,
        dilation_rates=[6, 12, 18],
        low_level_feature_key="P2",
    )
    assert deeplab.predict(images(1, 64, 96, 3), verbose=0).shape == (1, 64, 96, 256)


def test_retinanet_takes_it_as_image_encoder(pyramid_backbone):
    retinanet = keras_hub.models.RetinaNetBackbone(
        image_encoder=pyramid_backbone, min_level=3, max_level=6, use_p5=False
    )
    features = retinanet.predict(images(1, 64, 64, 3), verbose=0)
    assert {key: level.shape for key, level in features.items()} == {
        f"P{level}": (1, 64 >> level, 64 >> level, 256) for level in (3, 4, 5, 6)
    }
