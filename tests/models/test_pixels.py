"""Images with pixels outside of 0 to 255 warn once, with the fix."""

import warnings

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.tiny import photos, tiny_backbone, tiny_classifier

PHOTOS = photos(4)
SIXTEEN_BITS = (PHOTOS * 257).astype("uint16")
DARK = np.random.default_rng(0).integers(0, 12, (4, 20, 20, 3))

WRONG = {
    "0 to 1": (PHOTOS / 255, "Multiply them by 255"),
    "-1 to 1": (PHOTOS / 127.5 - 1, "`(images + 1) * 127.5`"),
    "standardized": ((PHOTOS / 255 - 0.45) / 0.225, "before they were normalized"),
    "16 bits": (SIXTEEN_BITS, "divide images of 16 bits by 257"),
    "wider floats": (PHOTOS * 257, "divide images of 16 bits by 257"),
    "without their mean": (PHOTOS - 127, "before they were normalized"),
    "0 to 1, a list": ([photo / 255 for photo in PHOTOS], "Multiply them by 255"),
}
RIGHT = {
    "floats": PHOTOS,
    "bytes": PHOTOS.astype("uint8"),
    "wide integers of bytes": PHOTOS.astype("int64"),
    "dark": DARK.astype("float32"),
    "dark bytes of 0 and 1": (DARK > 5).astype("uint8"),
    "dark floats, resized": DARK / 3.0,
    "black": np.zeros((4, 20, 20, 3)),
    # Bicubic resizing overshoots.
    "overshot": PHOTOS * 1.1 - 12,
    "a list": list(PHOTOS),
}


def warnings_of(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [str(w.message) for w in caught if "expects pixels of 0 to 255" in str(w.message)]


@pytest.fixture(scope="module")
def backbone():
    return tiny_backbone()


@pytest.fixture
def classifier(backbone):
    return tiny_classifier(backbone)


@pytest.mark.parametrize(("images", "fix"), WRONG.values(), ids=WRONG.keys())
def test_other_pixels_warn_once(classifier, images, fix):
    (message,) = warnings_of(lambda: classifier.predict(images, verbose=0))
    assert fix in message
    assert "`preprocessor = None`" in message
    assert warnings_of(lambda: classifier.predict(images, verbose=0)) == []


@pytest.mark.parametrize("images", RIGHT.values(), ids=RIGHT.keys())
def test_pixels_of_photographs_do_not_warn(classifier, images):
    assert warnings_of(lambda: classifier.predict(images, verbose=0)) == []


def test_all_rows_of_an_array_are_checked(classifier):
    # The first batch alone would not warn.
    images = np.concatenate([PHOTOS, SIXTEEN_BITS])
    assert warnings_of(lambda: classifier.predict(images, batch_size=4, verbose=0))


def tf_data(images, labels):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(2)


def generate(images, labels):
    yield images, labels


@pytest.mark.parametrize("make", [tf_data, generate], ids=lambda make: make.__name__)
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_the_first_batch_of_a_dataset(classifier, make, method):
    data = make(PHOTOS / 255, np.zeros(4))
    assert len(warnings_of(lambda: getattr(classifier, method)(data, verbose=0))) == 1


def test_single_batches(backbone):
    for method in ("train_on_batch", "test_on_batch"):
        classifier = tiny_classifier(backbone)
        function = getattr(classifier, method)
        assert len(warnings_of(lambda f=function: f(PHOTOS / 255, np.zeros(4)))) == 1
    classifier = tiny_classifier(backbone)
    assert len(warnings_of(lambda: classifier.predict_on_batch(PHOTOS / 255))) == 1


def test_a_converter_warns_by_itself_and_in_tasks_of_keras_hub(backbone):
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=1 / 255)
    assert len(warnings_of(lambda: converter(PHOTOS / 255))) == 1
    assert warnings_of(lambda: converter(PHOTOS / 255)) == []
    tensors = keras.ops.convert_to_tensor(PHOTOS / 255)
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=1 / 255)
    assert len(warnings_of(lambda: converter({"images": tensors}))) == 1
    task = keras_hub.models.ImageClassifier(
        backbone,
        3,
        preprocessor=krp.ResBlockImageClassifierPreprocessor(
            krp.ResBlockImageConverter(image_size=(16, 16), scale=1 / 255)
        ),
    )
    assert len(warnings_of(lambda: task.predict(PHOTOS / 255, verbose=0))) == 1


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"scale": 1 / 255}, True),
        ({"scale": 1 / 127.5, "offset": -1.0}, True),
        ({"scale": [0.0171, 0.0175, 0.0174], "offset": [-2.1, -2.0, -1.8]}, True),
        ({"offset": [-103.9, -116.8, -123.7]}, True),
        # These expect pixels of 0 to 1, or it cannot be known.
        ({"scale": [4.4, 4.5, 4.4], "offset": [-2.1, -2.0, -1.8]}, False),
        ({"scale": None}, False),
        ({"scale": 1.0, "offset": -0.5}, False),
    ],
)
def test_a_converter_that_expects_other_pixels_does_not(kwargs, expected):
    converter = krp.ResBlockImageConverter(image_size=(16, 16), **kwargs)
    assert bool(warnings_of(lambda: converter(PHOTOS / 255))) == expected


def test_preprocessed_images_without_a_preprocessor_do_not_warn(backbone):
    classifier = tiny_classifier(backbone, preprocessor=None)
    images = np.zeros((2, 16, 16, 3)) + 0.5
    assert warnings_of(lambda: classifier.predict(images, verbose=0)) == []


def test_a_converter_in_a_graph_does_not_check_pixels():
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=1 / 255)
    inputs = keras.Input((20, 20, 3))
    outputs = keras.layers.Lambda(lambda x: x)(converter(inputs))
    model = keras.Model(inputs, outputs)
    np.testing.assert_allclose(model.predict(PHOTOS, verbose=0).max(), 1, atol=0.1)
