"""`to_timm`: names of weights, the architecture in the config, and refusals."""

import json
import pathlib

import numpy as np
import pytest
import safetensors.numpy

import keras_resblocks_plugin as krp
from tests.convert import models
from tests.helpers import to_numpy, values
from tests.tiny import CLASS_NAMES, assert_refused, contents, tiny_backbone

# This package's weight paths → timm's names, for each of `models.BACKBONES`.
NAMES = json.loads((pathlib.Path(__file__).parent / "timm_names.json").read_text())


def stored(folder):
    return safetensors.numpy.load_file(folder / "model.safetensors")


@pytest.mark.parametrize("name", models.BACKBONES)
def test_names_and_values(name, tmp_path):
    model = models.classifier(name)
    krp.convert.to_timm(model, tmp_path)
    weights = {NAMES[name][path]: array for path, array in values(model).items()}
    assert len(weights) == len(NAMES[name])
    written = stored(tmp_path)
    counters = {key for key in written if key.endswith("num_batches_tracked")}
    assert counters == {
        key.replace("running_mean", "num_batches_tracked")
        for key in weights
        if key.endswith("running_mean")
    }
    assert written.keys() - counters == weights.keys()
    for key, array in weights.items():
        # PyTorch's order: output channels, input channels, height, width.
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
        expected = array.transpose(axes).reshape(written[key].shape)
        np.testing.assert_array_equal(written[key], expected, err_msg=key)


@pytest.mark.parametrize(
    ("name", "kind", "blocks"),
    [
        ("resnet34", "resnet18", [3, 4, 6, 3]),
        ("resnet152", "resnet50", [3, 8, 36, 3]),
    ],
)
def test_depths_that_have_a_name(name, kind, blocks, tmp_path):
    shape = {"stackwise_num_blocks": blocks, "stackwise_num_filters": [4, 4, 4, 4]}
    krp.convert.to_timm(models.backbone(kind, **shape), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["architecture"] == name
    assert config["model_args"] == {"channels": [4, 4, 4, 4]}


def test_config(tmp_path):
    krp.convert.to_timm(models.classifier("resnet50d", pooling="max"), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["architecture"] == "resnet50d"
    assert config["label_names"] == CLASS_NAMES
    assert config["model_args"] == {
        "layers": [2, 1, 1, 1],
        "channels": [8, 16, 8, 16],
        "global_pool": "max",
    }
    preprocessing = config["pretrained_cfg"]
    assert preprocessing["mean"] == pytest.approx([0.5, 0.5, 0.5])
    assert preprocessing["std"] == pytest.approx([0.25, 0.2, 0.125])
    assert preprocessing["input_size"] == [3, 40, 40]
    assert (preprocessing["interpolation"], preprocessing["crop_pct"]) == ("bicubic", 0.875)
    assert config["num_features"] == 4 * 16


def test_a_channels_first_backbone(tmp_path):
    krp.convert.to_timm(models.backbone("resnet18", data_format="channels_first"), tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["num_features"] == 16


def test_lora_is_merged(tmp_path):
    backbone = models.backbone("resnet18")
    conv = backbone.get_layer("stack0_block0").conv1
    conv.enable_lora(2)
    conv.lora_kernel_b.assign(np.ones(conv.lora_kernel_b.shape))
    krp.convert.to_timm(backbone, tmp_path)
    merged = to_numpy(conv.kernel).transpose(3, 2, 0, 1)
    np.testing.assert_allclose(stored(tmp_path)["layer1.0.conv1.weight"], merged, rtol=1e-6)


OTHERS = {
    "block": (dict(block_type="act", block_kwargs={}), "`block_type` must be one of 'bit', 'bn', "),
    "folded": (
        dict(block_kwargs={"normalization": None}),
        "`normalization` must be 'batch' in the blocks, not None",
    ),
    "pad": (
        dict(block_kwargs={"shortcut": "pad"}, stackwise_num_filters=[64, 64, 64, 64]),
        "timm's shortcuts: identity, projection, projection, projection, not padding, padding",
    ),
    "projection": (
        dict(block_kwargs={"shortcut": "projection"}, stackwise_num_filters=[64, 16, 8, 16]),
        "timm's shortcuts: identity, projection, projection, projection, not projection, ",
    ),
    "avg_pool": (
        dict(block_kwargs={"shortcut": "avg_pool"}),
        "not projection, average and projection, average and projection",
    ),
    "activation": (dict(block_kwargs={"activation": "gelu"}), "`activation` must be 'relu'"),
    "window": (dict(block_kwargs={"kernel_size": 5}), "`kernel_size` must be 3 in the blocks"),
    "stem": (dict(input_conv_kernel_sizes=[3]), "`input_conv_kernel_sizes` must be [7], not [3]"),
    "pooling": (dict(input_pooling=None), "`input_pooling` must be 'max', not None"),
    "strides": (
        dict(stackwise_num_strides=[1, 2, 2, 1]),
        "`stackwise_num_strides` must be [1, 2, 2, 2], not [1, 2, 2, 1]",
    ),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_network_unknown_to_timm_is_refused_with_the_reason(other, tmp_path):
    arguments, reason = OTHERS[other]
    backbone = models.backbone("resnet18", **arguments)
    folder = tmp_path / "timm"
    assert_refused(
        lambda: krp.convert.to_timm(backbone, folder), "`model` must be a network of timm", reason
    )
    assert not folder.exists()


def test_all_reasons_are_given():
    assert_refused(
        lambda: krp.convert.to_timm(tiny_backbone(), "nowhere"),
        "`stackwise_num_strides` must be [1, 2, 2, 2], not [1, 2]",
        "`input_conv_filters` must be [64], not [4]",
    )


def test_widths_that_timm_rounds_are_refused():
    narrow = models.backbone("resnetv2_50", stackwise_num_filters=[4, 16, 8, 16])
    assert_refused(lambda: krp.convert.to_timm(narrow, "nowhere"), "must be multiples of 32")


def test_heads_and_converters_unknown_to_timm_are_refused(tmp_path):
    softmax = models.classifier("resnet18", activation="softmax")
    assert_refused(lambda: krp.convert.to_timm(softmax, tmp_path), "`activation` of the head")
    options = {**models.PREPROCESSING, "crop_to_aspect_ratio": False, "pad_to_aspect_ratio": True}
    preprocessor = krp.ResBlockImageClassifierPreprocessor(krp.ResBlockImageConverter(**options))
    padded = models.classifier("resnet18", preprocessor=preprocessor)
    assert_refused(lambda: krp.convert.to_timm(padded, tmp_path), "`pad_to_aspect_ratio`")
    assert_refused(lambda: krp.convert.to_timm("resnet18", tmp_path), "`model` must be a `krp.")


def test_a_preset_is_not_overwritten(tmp_path):
    model = models.backbone("resnet18")
    model.save_to_preset(tmp_path)
    assert_refused(
        lambda: krp.convert.to_timm(model, tmp_path),
        "`folder` must not contain a preset",
        folder=tmp_path,
    )


def test_other_files_in_the_folder_are_kept(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    krp.convert.to_timm(models.backbone("resnet18"), tmp_path)
    assert contents(tmp_path).keys() == {"README.md", "config.json", "model.safetensors"}
    assert (tmp_path / "README.md").read_text() == "mine"
