"""`fit`, `evaluate` and `predict` accept any data of `keras.Model`, and preprocess it."""

import warnings

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import to_numpy
from tests.models import data_kinds
from tests.models.data_kinds import KINDS, Rows, X, Y, generate
from tests.tiny import assert_refused, photos, predict, tiny_classifier

# The same float32 sums, over batches that a backend may split differently.
CLOSE = dict(rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def classifier():
    """A classifier whose weights do not change in training."""
    return still(tiny_classifier())


@pytest.fixture(scope="module")
def plain(classifier):
    """The same classifier without its preprocessor."""
    model = tiny_classifier(classifier.backbone, preprocessor=None)
    model.output_dense.set_weights(classifier.output_dense.get_weights())
    return still(model)


def still(model, **kwargs):
    krp.freeze(model, "linear")
    model.compile(keras.optimizers.SGD(0.0), metrics=[], **kwargs)
    return model


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("preprocessed", [True, False], ids=["preprocessor", "None"])
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_every_kind_is_preprocessed_alike(classifier, plain, make, preprocessed):
    # The reference: the network on all images, preprocessed at once.
    x = to_numpy(classifier.preprocessor(X))
    model, given = (classifier, X) if preprocessed else (plain, x)
    logits = to_numpy(classifier(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    expected = float(to_numpy(loss(Y, logits)))
    np.testing.assert_allclose(predict(model, make(given, Y)[0]), logits, **CLOSE)
    np.testing.assert_allclose(model.evaluate(*make(given, Y), verbose=0), expected, **CLOSE)
    validation = make(given, Y)
    history = model.fit(
        *make(given, Y),
        verbose=0,
        validation_data=validation if len(validation) == 2 else validation[0],
    ).history
    np.testing.assert_allclose(history["loss"] + history["val_loss"], expected, **CLOSE)


@pytest.mark.parametrize("kind", ["grain.MapDataset", "DataLoader", "PyDataset"])
def test_a_finite_dataset_is_read_again_in_each_epoch(kind):
    model = tiny_classifier()
    model.compile(metrics=[])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Your input ran out of data")
        (data,) = KINDS[kind](X, Y)
        history = model.fit(data, epochs=3, validation_data=data, verbose=0).history
    assert len(history["val_loss"]) == 3
    assert int(to_numpy(model.optimizer.iterations)) == 9


def test_images_of_several_sizes(classifier):
    images = [photos(1, 20)[0], photos(1, 24)[0, :18], photos(1, 17)[0].astype("uint8")]
    labels = [0, 1, 2]
    alone = np.concatenate([predict(classifier, image[None]) for image in images])
    np.testing.assert_allclose(predict(classifier, images), alone, **CLOSE)
    np.testing.assert_allclose(to_numpy(classifier.predict_on_batch(images)), alone, **CLOSE)
    np.testing.assert_allclose(
        to_numpy(classifier(classifier.preprocessor(images))), alone, **CLOSE
    )
    model = tiny_classifier()
    assert np.isfinite(model.evaluate(images, labels, verbose=0)).all()
    history = model.fit(
        images, labels, epochs=2, batch_size=2, validation_split=0.34, verbose=0
    ).history
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
    assert np.isfinite(model.train_on_batch(images, np.array(labels))).all()
    assert np.isfinite(model.test_on_batch(images, np.array(labels))).all()


def test_images_of_several_sizes_need_a_preprocessor_that_resizes(classifier):
    images = [photos(1, 20)[0], photos(1, 17)[0]]
    plain = tiny_classifier(classifier.backbone, preprocessor=None)
    assert_refused(lambda: plain.predict(images, verbose=0), "`preprocessor`", "(17, 17, 3)")
    converter = krp.ResBlockImageConverter(scale=1 / 255)
    plain.preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    assert_refused(lambda: plain.predict(images, verbose=0), "`image_size`", "(17, 17, 3)")


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_callable_preprocesses_too(plain):
    model = tiny_classifier(plain.backbone, preprocessor=lambda x: x[:, 2:18, 2:18] / 255)
    expected = predict(plain, X[:, 2:18, 2:18] / 255)
    for given in (X, list(X), Rows(X, Y), generate(X, Y)):
        np.testing.assert_allclose(predict(model, given), expected, **CLOSE)


def reference(x, y, weights):
    """The history of one step of plain Keras on the same network."""
    model = tiny_classifier()
    plain = keras.Model(model.inputs, model.outputs)
    plain.compile(keras.optimizers.SGD(0.1), model.loss)
    x = to_numpy(model.preprocessor(x))
    return plain.fit(x, y, sample_weight=weights, shuffle=False, batch_size=7, verbose=0).history


CLASS_WEIGHT = {0: 1.0, 1: 4.0, 2: 0.5}
WEIGHTS = np.array([CLASS_WEIGHT[label] for label in Y], "float32")


@pytest.mark.parametrize(
    ("make", "kwargs"),
    [
        (KINDS["arrays"], {"class_weight": CLASS_WEIGHT}),
        (KINDS["arrays"], {"sample_weight": WEIGHTS}),
        (KINDS["PyDataset"], {"class_weight": CLASS_WEIGHT}),
        (KINDS["tf.data"], {"class_weight": CLASS_WEIGHT}),
        (KINDS["grain.MapDataset"], {"class_weight": CLASS_WEIGHT}),
        (KINDS["grain.IterDataset"], {"class_weight": CLASS_WEIGHT}),
    ],
)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_weights_of_classes_and_samples(make, kwargs, monkeypatch):
    monkeypatch.setattr(data_kinds, "BATCH", 7)
    model = tiny_classifier()
    model.compile(keras.optimizers.SGD(0.1), metrics=[])
    history = model.fit(*make(X, Y), shuffle=False, verbose=0, **kwargs).history
    np.testing.assert_allclose(history["loss"], reference(X, Y, WEIGHTS)["loss"], **CLOSE)


def test_validation_takes_the_last_rows_and_its_own_batch_size(classifier):
    expected = classifier.evaluate(X[5:], Y[5:], verbose=0)
    options = {"validation_split": 0.25, "validation_batch_size": 1, "verbose": 0}
    history = classifier.fit(X, Y, **options).history
    np.testing.assert_allclose(history["val_loss"], expected, **CLOSE)
    assert_refused(lambda: classifier.fit(Rows(X, Y), **options), "`validation_split`", "Rows")
    options["validation_split"] = 0.99
    assert_refused(lambda: classifier.fit(X, Y, **options), "`validation_split`", "7 images")


@pytest.mark.skipif(
    keras.config.backend() == "torch", reason="Keras takes single steps alone on PyTorch."
)
@pytest.mark.parametrize("make", [KINDS["arrays"], KINDS["grain.MapDataset"]])
def test_an_odd_number_of_validation_batches_in_steps_of_two(make):
    model = still(tiny_classifier(), steps_per_execution=2)
    # The last of three batches is incomplete, and the first one differs from the others.
    x, y = X.copy(), Y
    x[:3] = 255
    expected = model.evaluate(x, y, batch_size=3, verbose=0)
    data = make(x, y)
    options = {"batch_size": 3} if len(data) == 2 else {}
    validation = data if len(data) == 2 else data[0]
    for epochs in (1, 2):
        history = model.fit(
            *data, epochs=epochs, validation_data=validation, verbose=0, shuffle=False, **options
        ).history
        np.testing.assert_allclose(history["val_loss"], [expected] * epochs, **CLOSE)


def test_a_model_survives_images_that_its_preprocessor_refuses(classifier):
    gray = np.zeros((7, 20, 20, 1), "float32")
    expected = predict(classifier, X)
    for make in KINDS.values():
        with pytest.raises(Exception, match=r"shape.*1\)"):
            classifier.fit(*make(gray, Y), verbose=0)
    # On JAX, an error inside an epoch would leave the model without weights.
    np.testing.assert_array_equal(predict(classifier, X), expected)


def test_different_numbers_of_rows(classifier):
    assert_refused(lambda: classifier.fit(X, Y[:5], verbose=0), "`x`, `y`", "5 and 7 rows")
    assert_refused(lambda: classifier.predict(3.0, verbose=0), "`x`", "Received: array(3.)")


def test_lists_of_one_array():
    classifier = tiny_classifier()
    x, y = photos(4), np.array([0, 1, 2, 0])
    np.testing.assert_array_equal(predict(classifier, [x]), predict(classifier, x))
    classifier.compile("sgd")
    classifier.fit([x], [y], epochs=1, verbose=0)
    np.testing.assert_allclose(
        classifier.evaluate([x], [y], verbose=0), classifier.evaluate(x, y, verbose=0)
    )
