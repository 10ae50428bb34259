"""Golden files: names and numbers that saved models and other backends rely on.

`golden/weight_paths.json` has the paths and shapes of the weights of a small backbone of
each block type, and with the parts that blocks take: a format, since presets name weights by
them. `golden/outputs.npz` has the features of the same backbones with weights from numpy.
`golden/preset_bn_digest` has the weights of `golden/preset_bn`, which an earlier version wrote,
with the digest that ties head and backbone together. New entries are added by

    python -m tests.test_golden

which keeps those that are there. To change one on purpose (it orphans the presets that exist),
delete it first.
"""

import json
import pathlib
import shutil

import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin import ResBlockBackbone
from keras_resblocks_plugin.blocks import BLOCK_TYPES
from tests.helpers import fill, images, to_numpy
from tests.tiny import assert_refused, photos, predict, tiny_backbone, tiny_classifier

WEIGHT_PATHS = pathlib.Path(__file__).parent / "golden" / "weight_paths.json"
OUTPUTS = pathlib.Path(__file__).parent / "golden" / "outputs.npz"
PRESET = pathlib.Path(__file__).parent / "golden" / "preset_bn"
PRESET_WITH_DIGEST = PRESET.with_name("preset_bn_digest")
PRESET_OUTPUTS = PRESET.with_name("preset_bn_outputs.json")
TIED_FILES = ("model.safetensors", "task.weights.h5")

ImageClassifier = keras_hub.models.ImageClassifier
krp_from_preset = krp.ResBlockImageClassifier.from_preset


# Arguments of `small_backbone()` beside each block type's.
PARTS = {
    "bn_se_average": dict(
        block_type="bn",
        input_pooling="average",
        block_kwargs={"attention": "se", "antialias": "average", "shortcut": "avg_pool"},
    ),
    "preact_eca": dict(
        block_type="preact", input_pooling="max_zero_padded", block_kwargs={"attention": "eca"}
    ),
    "bottleneck_groups_se_blur": dict(
        block_type="bottleneck",
        input_pooling="max_blur",
        block_kwargs={"groups": 2, "base_width": 32, "attention": "se", "antialias": "blur"},
    ),
    "preact_bottleneck_groups_group_norm": dict(
        block_type="preact_bottleneck",
        stackwise_num_filters=[32, 64],
        input_conv_filters=[32, 64],
        block_kwargs={"groups": 4, "base_width": 32, "normalization": "group"},
    ),
    "regnet": dict(block_type="regnet", block_kwargs={"group_width": 2}),
    "regnet_se": dict(block_type="regnet", block_kwargs={"group_width": 2, "attention": "se"}),
    "bit": dict(
        block_type="bit",
        stackwise_num_filters=[32, 64],
        input_conv_filters=[32, 32],
        input_pooling="max_zero_padded",
    ),
}
NAMES = tuple({**dict.fromkeys(BLOCK_TYPES), **PARTS})


def small_backbone(name):
    """A backbone with a projection and an identity shortcut in each stack."""
    block_kwargs = {"shortcut": "avg_pool"} if name == "bn" else None
    arguments = dict(
        block_type=name,
        stackwise_num_filters=[4, 6],
        stackwise_num_blocks=[2, 2],
        stackwise_num_strides=[1, 2],
        input_conv_filters=[3, 5],
        input_conv_kernel_sizes=[5, 3],
        input_conv_strides=[2, 1],
        input_pooling="max",
        block_kwargs=block_kwargs,
        data_format="channels_last",
    )
    return fill(ResBlockBackbone(**{**arguments, **PARTS.get(name, {})}))


def weight_paths(backbone):
    return {weight.path: str(tuple(weight.shape)) for weight in backbone.weights}


def features(backbone):
    return to_numpy(backbone(images(2, 27, 34, 3)))


@pytest.mark.parametrize("name", NAMES)
def test_golden(name):
    backbone = small_backbone(name)
    # Lists of pairs, since the order matters.
    golden = json.loads(WEIGHT_PATHS.read_text())[name]
    assert list(weight_paths(backbone).items()) == list(golden.items())
    # Sums of up to a hundred float32 products in each of ten layers, in each backend's order;
    # the features are of order 1 to 10.
    expected = np.load(OUTPUTS)[name]
    assert expected.std() > 0.1
    np.testing.assert_allclose(features(backbone), expected, rtol=1e-5, atol=1e-5)


@pytest.fixture
def preset(tmp_path):
    return pathlib.Path(shutil.copytree(PRESET, tmp_path / "preset"))


@pytest.mark.parametrize("load", [ImageClassifier.from_preset, krp_from_preset])
@pytest.mark.parametrize("names", [TIED_FILES, TIED_FILES[:1], TIED_FILES[1:], ()])
def test_weights_and_head_load_with_and_without_digests(preset, load, names):
    for name in names:
        shutil.copy(PRESET_WITH_DIGEST / name, preset / name)
    expected = json.loads(PRESET_OUTPUTS.read_text())["outputs"]
    # The backends round differently when they resize, and seven float32 layers follow.
    np.testing.assert_allclose(predict(load(str(preset)), photos()), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("load", [ImageClassifier.from_preset, krp_from_preset])
def test_a_golden_head_on_other_weights_is_refused(preset, load):
    other = tiny_backbone()
    other.weights[0].assign(other.weights[0] + 1)
    tiny_classifier(other).save_to_preset(preset)
    head = shutil.copy(PRESET_WITH_DIGEST / "task.weights.h5", preset)
    weights = preset / "model.safetensors"
    assert_refused(lambda: load(str(preset)), f"`{head}`", f"`{weights}`", "save the whole task")
    # With the weights that it was saved with, it loads.
    shutil.copy(PRESET_WITH_DIGEST / "model.safetensors", preset)
    load(str(preset))


if __name__ == "__main__":
    if not PRESET_WITH_DIGEST.exists():
        tiny_classifier().save_to_preset(PRESET_WITH_DIGEST)
        for file in PRESET_WITH_DIGEST.iterdir():
            if file.name not in TIED_FILES:
                file.unlink()
    paths, outputs = json.loads(WEIGHT_PATHS.read_text()), dict(np.load(OUTPUTS))
    for name in NAMES:
        if name not in paths:
            paths[name] = weight_paths(small_backbone(name))
        if name not in outputs:
            outputs[name] = features(small_backbone(name))
    WEIGHT_PATHS.write_text(json.dumps(paths, indent=1) + "\n")
    np.savez_compressed(OUTPUTS, **outputs)
