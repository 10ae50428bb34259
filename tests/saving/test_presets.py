"""Preset folders, through KerasHub's own loader and this package's.

`golden/preset_bn` is a preset that an earlier version wrote, without digests of its weights,
with the outputs that belong to it: existing presets must keep loading.
"""

import json
import os
import pathlib
import shutil

import keras
import keras_hub
import numpy as np

import keras_resblocks_plugin as krp
from tests.helpers import TOLERANCE, assert_same_values, to_numpy, values
from tests.tiny import (
    CLASS_NAMES,
    PRESET_FILES,
    assert_refused,
    contents,
    photos,
    predict,
    tiny_backbone,
    tiny_classifier,
)

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "preset_bn"
GOLDEN_OUTPUTS = GOLDEN.with_name("preset_bn_outputs.json")

Backbone = keras_hub.models.Backbone
ImageClassifier = keras_hub.models.ImageClassifier


def test_the_files_of_a_preset(saved):
    assert set(os.listdir(saved)) == PRESET_FILES
    index = json.loads(pathlib.Path(saved, "model.weights.json").read_text())
    assert index["weight_map"] == dict.fromkeys(values(tiny_backbone()), "model.safetensors")


def test_the_trained_classifier_comes_back(saved, expected):
    for cls in (ImageClassifier, krp.ResBlockImageClassifier):
        classifier = cls.from_preset(saved)
        assert type(classifier) is krp.ResBlockImageClassifier
        assert classifier.class_names == CLASS_NAMES
        np.testing.assert_array_equal(predict(classifier, photos()), expected)


def test_the_backbone_comes_back(saved):
    for cls in (Backbone, krp.ResBlockBackbone):
        backbone = cls.from_preset(saved)
        assert type(backbone) is krp.ResBlockBackbone
        assert_same_values(backbone, tiny_backbone())


def test_preprocessing_comes_back(saved):
    converter = keras_hub.layers.ImageConverter.from_preset(saved)
    preprocessor = keras_hub.models.ImageClassifierPreprocessor.from_preset(saved)
    assert type(converter) is krp.ResBlockImageConverter
    assert type(preprocessor) is krp.ResBlockImageClassifierPreprocessor
    assert converter.image_size == preprocessor.image_converter.image_size == (16, 16)
    expected = tiny_classifier().preprocessor(photos())
    np.testing.assert_array_equal(to_numpy(converter(photos())), to_numpy(expected))


def test_what_lora_adds_is_no_parameter_of_the_preset(tmp_path):
    backbone = tiny_backbone()
    count = backbone.count_params()
    backbone.enable_lora(2)
    backbone.save_to_preset(tmp_path)
    assert json.loads((tmp_path / "metadata.json").read_text())["parameter_count"] == count


def test_a_preset_loads_from_any_working_folder(saved, monkeypatch, tmp_path):
    shutil.copytree(saved, tmp_path / "a" / "preset")
    monkeypatch.chdir(tmp_path / "a")
    for path in ("preset", "./preset", "../a/preset"):
        assert_same_values(Backbone.from_preset(path), tiny_backbone())
    krp.ResBlockImageClassifier.from_preset(pathlib.Path("preset"))


def test_a_lora_model_saves_what_it_computes(tmp_path):
    classifier = tiny_classifier()
    classifier.backbone.enable_lora(2, target_layer_names=["conv1"])
    rng = np.random.default_rng(7)
    for weight in classifier.backbone.weights:
        if "lora" in weight.path:
            weight.assign(rng.normal(size=tuple(weight.shape)).astype("float32") / 2)
    classifier.save_to_preset(tmp_path)
    np.testing.assert_allclose(
        predict(ImageClassifier.from_preset(str(tmp_path)), photos()),
        predict(classifier, photos()),
        **TOLERANCE,
    )


def test_a_backbone_saved_over_a_task_makes_its_head_stale(tmp_path, saved):
    folder = shutil.copytree(saved, tmp_path / "preset")
    other = tiny_backbone()
    other.weights[0].assign(other.weights[0] + 1.0)
    other.save_to_preset(folder)
    assert_same_values(Backbone.from_preset(str(folder)), other)
    assert_same_values(krp.ResBlockBackbone.from_preset(folder), other)
    for cls in (ImageClassifier, krp.ResBlockImageClassifier):
        assert_refused(
            lambda cls=cls: cls.from_preset(str(folder)),
            f"`{folder / 'task.weights.h5'}`",
            "saved over the preset alone",
            folder=folder,
        )
        assert_same_values(cls.from_preset(str(folder), num_classes=4).backbone, other)
    tiny_classifier().save_to_preset(folder)
    assert ImageClassifier.from_preset(str(folder)).class_names == CLASS_NAMES


def test_the_head_loads_without_the_metadata_as_from_a_hub(tmp_path, saved, expected):
    # KerasHub's loader does not fetch `metadata.json`.
    folder = shutil.copytree(saved, tmp_path / "preset")
    (folder / "metadata.json").unlink()
    np.testing.assert_array_equal(
        predict(ImageClassifier.from_preset(str(folder)), photos()), expected
    )


def test_a_converter_saved_into_a_preset_keeps_the_rest(tmp_path, saved):
    folder = shutil.copytree(saved, tmp_path / "preset")
    before = contents(folder)
    krp.ResBlockImageConverter(image_size=(32, 32)).save_to_preset(folder)
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} == {"image_converter.json"}
    assert keras_hub.layers.ImageConverter.from_preset(str(folder)).image_size == (32, 32)


@keras.saving.register_keras_serializable("tests_of_presets")
class TwiceBlock(krp.blocks.ResidualBlock):
    """A user's block."""

    def build_residual(self, input_shape):
        self.conv1 = self.conv(self.filters, self.kernel_size, self.strides, name="conv1")
        return self.build_in_order(input_shape, self.conv1)

    def residual(self, x, training=None):
        return 2 * self.conv1(x)


def test_a_users_registered_block_is_saved_and_loaded(tmp_path):
    backbone = tiny_backbone(TwiceBlock)
    backbone.save_to_preset(tmp_path)
    for cls in (Backbone, krp.ResBlockBackbone):
        loaded = cls.from_preset(str(tmp_path))
        assert loaded.block_type == "tests_of_presets>TwiceBlock"
        assert_same_values(loaded, backbone)


def test_the_golden_preset_gives_its_outputs():
    golden = json.loads(GOLDEN_OUTPUTS.read_text())
    classifier = ImageClassifier.from_preset(str(GOLDEN))
    assert classifier.class_names == golden["class_names"]
    # Resizing differs by a rounding between the backends; seven float32 layers follow.
    np.testing.assert_allclose(
        predict(classifier, photos()), golden["outputs"], rtol=1e-4, atol=1e-4
    )
    assert set(os.listdir(GOLDEN)) == PRESET_FILES
    krp.ResBlockImageClassifier.from_preset(GOLDEN)
