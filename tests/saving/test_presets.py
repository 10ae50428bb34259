"""Preset folders, through KerasHub's own loader and this package's.

`golden/preset_bn` is a preset that an earlier version wrote, without digests of its weights,
with the outputs that belong to it: presets that exist must go on loading.
"""

import contextlib
import json
import os
import pathlib
import shutil

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import TOLERANCE, assert_changed, images, to_numpy, values
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


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A preset that tests read."""
    folder = tmp_path_factory.mktemp("saved") / "preset"
    tiny_classifier().save_to_preset(folder)
    return str(folder)


@pytest.fixture(scope="module")
def expected():
    """What the model of that preset predicts."""
    return predict(tiny_classifier(), photos())


def assert_same_values(left, right):
    left, right = values(left), values(right)
    assert left.keys() == right.keys()
    for path in left:
        np.testing.assert_array_equal(left[path], right[path], err_msg=path)


def assert_random(backbone):
    """Convolutions have random values, norms where they start, and all of them learn."""
    trained = values(tiny_backbone())
    start = values(backbone)
    for path, value in start.items():
        assert not np.array_equal(value, trained[path])
        if path.endswith("kernel"):
            assert value.std() > 0.01
    x = images(2, 16, 16, 3)
    model = keras.Sequential([backbone, keras.layers.GlobalAveragePooling2D()])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(x, np.ones((2, 6)), verbose=0)
    assert_changed(start, values(backbone), [w.path for w in backbone.trainable_weights])


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


@pytest.mark.parametrize("num_classes", [3, 7])
def test_num_classes_puts_a_new_head_without_names(saved, num_classes):
    # Whether as many names are those of the preset or of the caller, KerasHub does not say.
    said = pytest.warns(UserWarning, match="`class_names` are dropped")
    with said if num_classes == 3 else contextlib.nullcontext():
        classifier = ImageClassifier.from_preset(saved, num_classes=num_classes)
    assert classifier.class_names is None
    assert classifier.num_classes == num_classes
    assert classifier.output_dense.kernel.shape[1] == num_classes
    assert not np.array_equal(
        to_numpy(classifier.output_dense.kernel), to_numpy(tiny_classifier().output_dense.kernel)
    )
    assert_same_values(classifier.backbone, tiny_backbone())


def test_a_new_head_has_the_names_that_it_is_given(saved, tmp_path):
    names = ["a", "b", "c"]
    for load, given in (
        (krp.ResBlockImageClassifier.from_preset, names),
        (ImageClassifier.from_preset, tuple(names)),
    ):
        classifier = load(saved, num_classes=3, class_names=given)
        assert classifier.class_names == names
        with pytest.warns(UserWarning, match="random values"):
            predict(classifier, photos())
    assert krp.ResBlockImageClassifier.from_preset(saved, num_classes=3).class_names is None
    # As many as before are other names of the trained head's classes; others are a mistake.
    tiny_classifier(class_names=None, num_classes=3).save_to_preset(tmp_path)
    for folder in (saved, str(tmp_path)):
        classifier = krp.ResBlockImageClassifier.from_preset(folder, class_names=names)
        assert classifier.class_names == names
        np.testing.assert_array_equal(
            to_numpy(classifier.output_dense.kernel),
            to_numpy(tiny_classifier().output_dense.kernel),
        )
        with pytest.raises(ValueError, match="num_classes"):
            krp.ResBlockImageClassifier.from_preset(folder, class_names=["a", "b"])


def test_the_precision_of_the_head(tmp_path):
    classifier = tiny_classifier(tiny_backbone(dtype="mixed_float16"), head_dtype="float32")
    classifier.save_to_preset(tmp_path / "preset")
    classifier.save(tmp_path / "model.keras")
    for loaded in (
        ImageClassifier.from_preset(str(tmp_path / "preset"), dtype="mixed_float16"),
        keras.saving.load_model(tmp_path / "model.keras"),
    ):
        assert loaded.backbone.dtype_policy.name == "mixed_float16"
        assert loaded.output_dense.dtype_policy.name == "float32"
    # A head like its backbone follows it.
    tiny_classifier().save_to_preset(tmp_path / "alike")
    loaded = ImageClassifier.from_preset(str(tmp_path / "alike"), dtype="mixed_float16")
    assert loaded.output_dense.dtype_policy.name == "mixed_float16"


def test_what_lora_adds_is_no_parameter_of_the_preset(tmp_path):
    backbone = tiny_backbone()
    count = backbone.count_params()
    backbone.enable_lora(2)
    backbone.save_to_preset(tmp_path)
    assert json.loads((tmp_path / "metadata.json").read_text())["parameter_count"] == count


def test_dtype(saved, expected):
    backbone = Backbone.from_preset(saved, dtype="bfloat16")
    assert {weight.dtype for weight in backbone.weights} == {"bfloat16"}
    rounded = tiny_backbone(dtype="bfloat16")
    assert_same_values(backbone, rounded)
    classifier = ImageClassifier.from_preset(saved, dtype="mixed_float16")
    assert {weight.dtype for weight in classifier.weights} == {"float32"}
    output = classifier.predict(photos(), verbose=0)
    # Half precision: eleven bits, through seven layers.
    np.testing.assert_allclose(to_numpy(output), expected, rtol=0.02, atol=0.02)


def test_image_shape(saved):
    backbone = Backbone.from_preset(saved, image_shape=(32, 24, 3))
    assert backbone.input_shape == (None, 32, 24, 3)
    assert_same_values(backbone, tiny_backbone())
    classifier = ImageClassifier.from_preset(saved, image_shape=(16, 16, 3))
    assert classifier.input_shape == (None, 16, 16, 3)


@pytest.mark.parametrize("cls", [Backbone, ImageClassifier])
def test_weights_of_three_channels_do_not_fit_one(saved, cls):
    assert_refused(
        lambda: cls.from_preset(saved, image_shape=(16, 16, 1)),
        "`image_shape`",
        "stem0_conv/kernel (3, 3, 3, 4) in place of (3, 3, 1, 4)",
        saved,
    )


def test_without_weights_all_is_random_and_learns(saved):
    assert_random(Backbone.from_preset(saved, load_weights=False))
    backbone = ImageClassifier.from_preset(saved, load_weights=False).backbone
    again = ImageClassifier.from_preset(saved, load_weights=False).backbone
    kernels = [to_numpy(model.weights[0]) for model in (backbone, again)]
    assert not np.array_equal(*kernels)


def test_from_config_and_cloning_give_random_weights(saved):
    loaded = Backbone.from_preset(saved)
    assert_random(type(loaded).from_config(loaded.get_config()))
    assert_random(keras.models.clone_model(loaded))
    assert_same_values(loaded, tiny_backbone())


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
