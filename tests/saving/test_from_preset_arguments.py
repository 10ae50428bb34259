"""Arguments of `from_preset`: a new head, dtype, image shape, no weights."""

import contextlib

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import assert_changed, assert_same_values, images, to_numpy, values
from tests.tiny import (
    assert_refused,
    photos,
    predict,
    tiny_backbone,
    tiny_classifier,
)

Backbone = keras_hub.models.Backbone
ImageClassifier = keras_hub.models.ImageClassifier


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
