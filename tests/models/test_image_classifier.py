"""The classifier's warning, its decoded predictions, and KerasHub's own tests of a task."""

import warnings

import keras
import keras_hub
import numpy as np
import pytest
from keras_hub.src.tests.test_case import TestCase

import keras_resblocks_plugin as krp
from tests.tiny import (
    CLASS_NAMES,
    assert_refused,
    photos,
    predict,
    tiny_backbone,
    tiny_classifier,
)

UNTRAINED = "has the random values it was created with"


@pytest.fixture(scope="module")
def backbone():
    return tiny_backbone()


def untrained(backbone, **kwargs):
    return krp.ResBlockImageClassifier(backbone, num_classes=3, **kwargs)


def warns(classifier, method="predict"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(classifier, method)(photos(1, 16))
    found = [warning for warning in caught if UNTRAINED in str(warning.message)]
    # The warning points at the line that calls `predict()`.
    assert all(warning.filename == __file__ for warning in found)
    return bool(found)


class KerasHubTest(TestCase):
    def setUp(self):
        super().setUp()
        self.converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=1 / 255)
        self.init_kwargs = {
            "backbone": tiny_backbone(),
            "num_classes": 2,
            "preprocessor": krp.ResBlockImageClassifierPreprocessor(self.converter),
        }
        self.train_data = (photos(2), np.array([0, 1]))

    def test_classifier_basics(self):
        self.run_task_test(
            cls=krp.ResBlockImageClassifier,
            init_kwargs=self.init_kwargs,
            train_data=self.train_data,
            expected_output_shape=(2, 2),
        )

    def test_saved_model(self):
        self.run_model_saving_test(
            cls=krp.ResBlockImageClassifier,
            init_kwargs=self.init_kwargs | {"preprocessor": None},
            input_data=photos(2, 16),
        )

    def test_converter(self):
        self.run_preprocessing_layer_test(
            cls=krp.ResBlockImageConverter,
            init_kwargs={"image_size": (16, 16), "scale": 1 / 255, "offset": -0.5},
            input_data=photos(2),
        )

    def test_preprocessor(self):
        self.run_preprocessing_layer_test(
            cls=krp.ResBlockImageClassifierPreprocessor,
            init_kwargs={"image_converter": self.converter},
            input_data=self.train_data,
        )


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_the_converter_keeps_its_data_format(data_format):
    converter = krp.ResBlockImageConverter(
        image_size=(8, 8), scale=[1.0, 2.0, 3.0], data_format=data_format
    )
    copy = krp.ResBlockImageConverter.from_config(converter.get_config())
    assert copy.data_format == copy.resizing.data_format == data_format
    shape = (1, 3, 9, 9) if data_format == "channels_first" else (1, 9, 9, 3)
    output = keras.ops.convert_to_numpy(copy(np.ones(shape, "float32")))
    channels = output[0, :, 0, 0] if data_format == "channels_first" else output[0, 0, 0]
    np.testing.assert_allclose(channels, [1, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("method", ["predict", "predict_on_batch"])
def test_predicting_with_an_untrained_head_warns(backbone, method):
    classifier = untrained(backbone)
    assert warns(classifier, method)
    assert warns(classifier, method)


def test_predicting_with_a_copy_or_without_the_presets_weights_warns(backbone, tmp_path):
    classifier = untrained(backbone)
    assert warns(type(classifier).from_config(classifier.get_config()))
    tiny_classifier().save_to_preset(tmp_path)
    new = keras_hub.models.ImageClassifier.from_preset
    assert warns(new(str(tmp_path), load_weights=False))
    assert warns(new(str(tmp_path), num_classes=3))
    assert not warns(new(str(tmp_path)))


def change_by_fit(classifier):
    classifier.fit(photos(2, 16), np.array([0, 1]), verbose=0)


def change_by_train_on_batch(classifier):
    classifier.train_on_batch(photos(2, 16), np.array([0, 1]))


def change_by_assign(classifier):
    kernel = classifier.output_dense.kernel
    kernel.assign(keras.ops.ones(kernel.shape))


def change_bias_by_assign(classifier):
    classifier.output_dense.bias.assign(keras.ops.ones((3,)))


def change_by_set_weights(classifier):
    classifier.set_weights([np.ones(tuple(weight.shape)) for weight in classifier.weights])


@pytest.mark.parametrize(
    "change",
    [
        change_by_fit,
        change_by_train_on_batch,
        change_by_assign,
        change_bias_by_assign,
        change_by_set_weights,
    ],
)
def test_any_change_of_the_head_ends_the_warning(change):
    classifier = untrained(tiny_backbone())
    change(classifier)
    assert not warns(classifier)


def test_loading_by_any_way_ends_the_warning(backbone, tmp_path):
    trained = tiny_classifier(backbone, preprocessor=None)
    trained.save(tmp_path / "model.keras")
    assert not warns(keras.models.load_model(tmp_path / "model.keras"))
    trained.save_weights(tmp_path / "all.weights.h5")
    classifier = untrained(backbone)
    classifier.load_weights(tmp_path / "all.weights.h5")
    assert not warns(classifier)
    trained.save_task_weights(tmp_path / "head.weights.h5")
    classifier = untrained(backbone)
    classifier.load_task_weights(tmp_path / "head.weights.h5")
    assert not warns(classifier)


def test_predictions_by_name(backbone):
    classifier = tiny_classifier(backbone)
    logits = np.log([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]])
    decoded = classifier.decode_predictions(logits + 4, top=2)
    assert [[name for name, _ in image] for image in decoded] == [["dog", "cat"], ["cat", "fox"]]
    # float32 exponentials of numbers near 1.
    np.testing.assert_allclose([p for _, p in decoded[0]], [0.7, 0.2], rtol=1e-5)
    assert len(classifier.decode_predictions(logits)[0]) == 3
    assert isinstance(decoded[0][0][1], float)


@pytest.mark.parametrize("activation", ["softmax", keras.activations.softmax, "sigmoid"])
def test_probabilities_are_not_changed(backbone, activation):
    classifier = tiny_classifier(backbone, activation=activation)
    assert classifier.decode_predictions(np.array([[0.25, 0.5, 0.25]]), top=1) == [[("dog", 0.5)]]


def test_predictions_without_names(backbone):
    classifier = untrained(backbone, activation="softmax")
    assert classifier.decode_predictions(np.array([[0.0, 0.25, 0.75]]), top=1) == [[("2", 0.75)]]


def test_the_output_of_predict_is_decoded(backbone):
    classifier = tiny_classifier(backbone)
    decoded = classifier.decode_predictions(predict(classifier, photos(2)))
    for image in decoded:
        assert {name for name, _ in image} == set(CLASS_NAMES)
        # Three float32 probabilities.
        assert sum(probability for _, probability in image) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (1, 2, 3), ()], ids=str)
def test_predictions_of_another_shape(backbone, shape):
    classifier = tiny_classifier(backbone)
    assert_refused(
        lambda: classifier.decode_predictions(np.zeros(shape)),
        "`predictions`",
        "(batch, 3)",
        f"Received: shape={shape}",
    )


@pytest.mark.parametrize("top", [0, -1, 2.5, "all"])
def test_invalid_top(backbone, top):
    classifier = tiny_classifier(backbone)
    assert_refused(
        lambda: classifier.decode_predictions(np.zeros((1, 3)), top=top),
        "`top`",
        f"Received: top={top!r}",
    )


@pytest.mark.parametrize(
    ("kwargs", "parts"),
    [
        ({}, ["`num_classes`", "num_classes=None"]),
        ({"num_classes": 2, "class_names": CLASS_NAMES}, ["`class_names`", "3 class_names"]),
    ],
)
def test_classes_that_do_not_agree(backbone, kwargs, parts):
    assert_refused(lambda: krp.ResBlockImageClassifier(backbone, **kwargs), *parts)
