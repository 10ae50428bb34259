"""Defaults of `compile()` and `decode_predictions()` for each kind of head."""

import warnings

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import fill, to_numpy, values
from tests.tiny import assert_refused, photos, predict, tiny_backbone, tiny_classifier

# Different implementations of functions of float32 numbers near 1.
CLOSE = dict(rtol=1e-5, atol=1e-6)
X = photos(6, 16) / 255


@pytest.fixture(scope="module")
def backbone():
    return tiny_backbone()


def headed(backbone, num_classes=None, **kwargs):
    model = krp.ResBlockImageClassifier(backbone, num_classes, preprocessor=None, **kwargs)
    fill(model.output_dense)
    return model


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_unit_is_binary(backbone, activation):
    model = headed(backbone, 1, activation=activation)
    labels = np.array([0, 1, 1, 0, 1, 0])
    logits = predict(headed(backbone, 1), X)[:, 0].astype("float64")
    p = sigmoid(logits)
    loss = -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))
    accuracy = np.mean((p > 0.5) == labels)
    measured = model.evaluate(X, labels, return_dict=True, verbose=0)
    np.testing.assert_allclose(measured["loss"], loss, **CLOSE)
    np.testing.assert_allclose(measured["binary_accuracy"], accuracy, **CLOSE)
    decoded = model.decode_predictions(predict(model, X))
    assert [[name for name, _ in image] for image in decoded] == [["1"]] * 6
    np.testing.assert_allclose([image[0][1] for image in decoded], p, **CLOSE)


def test_one_unit_has_the_name_of_label_1(backbone, tmp_path):
    classifier = tiny_classifier(backbone, class_names=["cat"])
    assert classifier.num_classes == 1
    expected = classifier.decode_predictions(predict(classifier, photos()))
    assert [name for ((name, _),) in expected] == ["cat", "cat"]
    classifier.save_to_preset(tmp_path)
    loaded = krp.ResBlockImageClassifier.from_preset(str(tmp_path))
    assert loaded.class_names == ["cat"]
    assert loaded.decode_predictions(predict(loaded, photos())) == expected
    assert isinstance(loaded.loss, keras.losses.BinaryCrossentropy)
    assert_refused(
        lambda: krp.ResBlockImageClassifier(backbone, 1, class_names=["cat", "dog"]),
        "`class_names`",
        "2 class_names",
    )


def test_one_unit_learns():
    keras.utils.set_random_seed(0)
    labels = np.arange(16) % 2
    images = np.random.default_rng(0).uniform(0, 0.4, (16, 8, 8, 3)) + labels.reshape(-1, 1, 1, 1)
    model = krp.ResBlockImageClassifier(
        krp.ResBlockBackbone("basic", [4], [1], [1], [4], [3], [2]), 1
    )
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(images, labels, epochs=20, batch_size=8, verbose=0)
    assert model.evaluate(images, labels, verbose=0)[1] == 1
    decoded = model.decode_predictions(predict(model, images))
    assert [round(image[0][1]) for image in decoded] == labels.tolist()


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_several_units_are_mutually_exclusive_classes(backbone, activation):
    model = headed(backbone, 3, activation=activation)
    labels = np.array([0, 1, 2, 0, 1, 2])
    logits = predict(headed(backbone, 3), X).astype("float64")
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    measured = model.evaluate(X, labels, return_dict=True, verbose=0)
    np.testing.assert_allclose(measured["loss"], -np.mean(np.log(p[range(6), labels])), **CLOSE)
    assert measured["sparse_categorical_accuracy"] == pytest.approx(np.mean(p.argmax(1) == labels))
    (decoded, *_) = model.decode_predictions(predict(model, X))
    assert [name for name, _ in decoded] == [str(i) for i in np.argsort(-p[0])]
    np.testing.assert_allclose([q for _, q in decoded], np.sort(p[0])[::-1], **CLOSE)


def test_sigmoids_of_several_units_are_independent_labels(backbone):
    model = headed(backbone, class_names=["sun", "sea", "sand"], activation="sigmoid")
    labels = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]])
    p = sigmoid(predict(headed(backbone, 3), X).astype("float64"))
    loss = -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))
    measured = model.evaluate(X, labels, return_dict=True, verbose=0)
    np.testing.assert_allclose(measured["loss"], loss, **CLOSE)
    np.testing.assert_allclose(measured["binary_accuracy"], np.mean((p > 0.5) == labels), **CLOSE)
    decoded = model.decode_predictions(predict(model, X))
    for row, image in enumerate(decoded):
        # The probabilities are independent: they need not add up to 1.
        expected = dict(zip(["sun", "sea", "sand"], p[row], strict=True))
        assert dict(image).keys() == expected.keys()
        for name, q in image:
            assert q == pytest.approx(expected[name], abs=1e-6)
    assert_refused(lambda: model.fit(X, labels * 2, verbose=0), "`y` must hold labels from 0 to 1")


def test_logits_of_independent_labels_are_not_decoded_as_exclusive_classes(backbone):
    model = headed(backbone, 3)
    model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    assert_refused(
        lambda: model.decode_predictions(predict(model, X)),
        "`predictions`",
        "`activation='sigmoid'`",
    )


@pytest.mark.parametrize("loss", ["mse", keras.losses.Huber()])
def test_regression(backbone, loss):
    model = headed(backbone, 2)
    model.compile(keras.optimizers.SGD(0.0), loss=loss)
    y = np.random.default_rng(0).normal(size=(6, 2)) * 9
    # No accuracy: the values of a regression are not classes.
    assert list(model.evaluate(X, y, return_dict=True, verbose=0)) == ["loss"]
    assert np.isfinite(model.fit(X, y, verbose=0).history["loss"]).all()
    assert_refused(
        lambda: model.decode_predictions(predict(model, X)), "`predictions`", "regression"
    )


def test_other_activations_have_no_default_loss(backbone):
    model = headed(backbone, 3, activation="relu")
    assert model.loss is None
    assert_refused(lambda: model.fit(X, np.zeros(6), verbose=0), "`loss`", "activation='relu'")
    assert_refused(
        lambda: model.decode_predictions(np.array([[0.5, 2.0, 0.0]])), "`predictions`", "'relu'"
    )


def test_a_softmax_of_one_unit_is_refused(backbone):
    assert_refused(lambda: headed(backbone, 1, activation="softmax"), "`activation`", "'softmax'")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("activation", [None, "softmax", "sigmoid"])
def test_predictions_that_are_not_finite(backbone, activation, value):
    model = headed(backbone, 3, activation=activation)
    predictions = np.full((4, 3), 0.5)
    predictions[2:, 1] = value
    assert_refused(
        lambda: model.decode_predictions(predictions),
        "`predictions` must be finite",
        "in row 2",
        "2 such rows",
    )


def test_a_loaded_classifier_continues_training_with_the_same_result(tmp_path):
    x, y = photos(6), np.array([0, 1, 2, 0, 1, 2])
    model = tiny_classifier()
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2)
    model.compile(keras.optimizers.SGD(schedule, momentum=0.9), loss, metrics=[])
    options = dict(epochs=2, batch_size=3, shuffle=False, verbose=0)
    model.fit(x, y, **options)
    model.save(tmp_path / "model.keras")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*compile")
        loaded = keras.models.load_model(tmp_path / "model.keras")
    assert int(to_numpy(loaded.optimizer.iterations)) == 4
    assert loaded.loss.ignore_class == 2
    assert model.fit(x, y, **options).history == loaded.fit(x, y, **options).history
    expected, found = values(model), values(loaded)
    assert expected.keys() == found.keys()
    for path, value in expected.items():
        np.testing.assert_array_equal(found[path], value)


def test_a_classifier_that_was_never_compiled_loads(tmp_path):
    tiny_classifier(compile=False).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert predict(loaded, photos()).shape == (2, 3)


@pytest.mark.parametrize("loss", ["poisson", "cosine_similarity", "hinge"])
def test_losses_whose_predictions_are_not_logits(loss):
    classifier = tiny_classifier()
    classifier.compile("sgd", loss=loss)
    with pytest.raises(ValueError, match="compiled for regression"):
        classifier.decode_predictions(np.zeros((1, 3), "float32"))
